/** Names of files and in the code are the words that Kubernetes uses: a private word can't be searched for. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Private words in every form, and what they are called instead. */
const replacements = [
  ['tell tells telling told untold teller', 'record, report, print'],
  ['figure figures', 'metric, measurement'],
  ['pace', 'throttle, rate'],
  ['room rooms', 'capacity, semaphore'],
  ['place places', 'path, field mapping, settings'],
  ['settle settles settled settling', 'finish, wait until idle'],
  ['trouble troubles', 'fault, failure'],
  ['see sees seen', 'observe, read, look up'],
  ['bar barred', 'revoke, refuse'],
  ['home homes', 'cache folder, default namespace, own namespace'],
  ['moment moments', 'time, milestone'],
  ['obstacle obstacles', 'missing requirement'],
] as const;
const replacementOf: ReadonlyMap<string, string> = new Map(
  replacements.flatMap(([forms, replacement]) => forms.split(' ').map((form) => [form, replacement] as const)),
);

/** Names of JavaScript and Node that have such a word. */
const foreign: ReadonlySet<string> = new Set(['allSettled', 'homedir']);

/** The name of a file, and every name that it declares or uses. */
function* listNames(file: string): Generator<string> {
  yield basename(file).replace(/\..*$/, '');
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, false);
  const pending: ts.Node[] = [source];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (ts.isIdentifier(node)) yield node.text;
    ts.forEachChild(node, (child) => void pending.push(child));
  }
}

const wordsOf = (name: string): string[] =>
  name.split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z]+/).map((word) => word.toLowerCase());

/** Names of environment variables are others' as well. */
function findPrivateWord(name: string): string | undefined {
  if (foreign.has(name) || /^[A-Z0-9_]+$/.test(name)) return undefined;
  const word = wordsOf(name).find((one) => replacementOf.has(one));
  return word === undefined ? undefined : `${name}: say ${replacementOf.get(word) ?? ''}`;
}

const files = execFileSync('git', ['ls-files', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const byFolder = Object.groupBy(files, (file) => file.split('/').slice(0, -1)[0] ?? 'the root');

describe('the names in', () => {
  it.each(Object.entries(byFolder))('%s have no private words', (_folder, found = []) => {
    const faults = found.flatMap((file) =>
      [...new Set([...listNames(file)].map(findPrivateWord))]
        .filter((fault) => fault !== undefined)
        .map((fault) => `${file}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });
});

it.each([
  ['findObstacle', 'findObstacle: say missing requirement'],
  ['toldEvents', 'toldEvents: say record, report, print'],
  ['replace', undefined],
  ['namespace', undefined],
  ['allSettled', undefined],
])('judges the name %s', (name, fault) => {
  expect(findPrivateWord(name)).toBe(fault);
});
