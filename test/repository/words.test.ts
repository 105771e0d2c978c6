/** Names in the code are the words that Kubernetes uses: a private word can't be searched for. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What each private word is called instead. */
const replacements: Readonly<Record<string, string>> = {
  tell: 'report, record, print',
  figure: 'metric, measurement',
  pace: 'throttle, rate',
  room: 'capacity',
  place: 'path, location, options',
  settle: 'finish, become quiet',
  trouble: 'fault, failure',
  bar: 'revoke, refuse',
  home: 'cache folder, own namespace',
  moment: 'time',
  obstacle: 'missing requirement',
};
const forms: Readonly<Record<string, string>> = {
  tells: 'tell',
  told: 'tell',
  untold: 'tell',
  telling: 'tell',
  figures: 'figure',
  rooms: 'room',
  places: 'place',
  settled: 'settle',
  settles: 'settle',
  troubles: 'trouble',
  barred: 'bar',
  homes: 'home',
  moments: 'moment',
  obstacles: 'obstacle',
};

/** Folders whose names are clean; the others follow as they are renamed. */
const folders = [
  'adapters/observe',
  'adapters/oidc',
  'api/http',
  'api/limits',
  'cli',
  'core/access',
  'core/doctor',
  'core/events',
  'core/kubernetes-events',
  'core/lifecycle',
  'core/oidc',
  'core/status',
  'core/tokens',
  'dev/control-plane',
  'dev/kind',
  'dev/knative',
  'functions/certificates',
  'functions/lifecycle',
  'functions/status',
  'test/image',
  'test/kind',
];

/** Names of JavaScript and Node that have such a word; names of environment variables are others' as well. */
const foreign = new Set(['allSettled', 'homedir']);

/** The words of every name that a file declares or uses, by name. */
function* listNames(file: string): Generator<string> {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, false);
  const pending: ts.Node[] = [source];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (ts.isIdentifier(node)) yield node.text;
    ts.forEachChild(node, (child) => void pending.push(child));
  }
}

const wordsOf = (name: string): string[] =>
  name.split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z]+/).map((word) => word.toLowerCase());

function findPrivateWord(name: string): string | undefined {
  if (foreign.has(name) || /^[A-Z0-9_]+$/.test(name)) return undefined;
  const word = wordsOf(name)
    .map((one) => forms[one] ?? one)
    .find((one) => Object.hasOwn(replacements, one));
  return word === undefined ? undefined : `${name}: say ${replacements[word] ?? ''}`;
}

describe('the names in', () => {
  it.each(folders)('%s have no private words', (folder) => {
    const files = execFileSync('git', ['ls-files', `${folder}/*.ts`], { cwd: root, encoding: 'utf8' });
    const found = files
      .split('\n')
      .filter(Boolean)
      .flatMap((file) => [...new Set([...listNames(file)].map(findPrivateWord))].map((fault) => ({ file, fault })))
      .filter(({ fault }) => fault !== undefined);
    expect(found).toEqual([]);
  });
});

it.each([
  ['findObstacle', 'findObstacle: say missing requirement'],
  ['toldEvents', 'toldEvents: say report, record, print'],
  ['replace', undefined],
  ['namespace', undefined],
  ['allSettled', undefined],
])('judges the name %s', (name, fault) => {
  expect(findPrivateWord(name)).toBe(fault);
});
