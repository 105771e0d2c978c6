import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { apply, expectApplied, makePool, run } from './cluster.ts';

const folder = join(import.meta.dirname, '../fixtures');
const read = (kind: string) =>
  readdirSync(join(folder, kind)).map((file) => [file, readFileSync(join(folder, kind, file), 'utf8')] as const);

/** Comments at the top: `# as: <user>` says who applies it, the lines after `# expected:` what kubectl must say. */
function parseFixture(text: string): { as: string | undefined; expected: string; documents: string[] } {
  const comments = text.split('\n').filter((line) => line.startsWith('#'));
  const start = comments.indexOf('# expected:');
  return {
    as: comments.find((line) => line.startsWith('# as: '))?.slice('# as: '.length),
    expected: comments
      .slice(start + 1)
      .map((line) => line.slice(2))
      .join('\n'),
    documents: text.split('\n---\n'),
  };
}

/** The apiserver reports several causes in any order. */
const sortCauses = (said: string): string => said.split('\n').toSorted().join('\n');

beforeAll(async () => {
  await run(['create', 'namespace', 'fixtures']);
  await expectApplied(makePool('fixtures', 'pool'));
  await run(['create', 'namespace', 'fixtures-elsewhere']);
  await expectApplied(makePool('fixtures-elsewhere', 'shared-pool'));
  await run([
    'create',
    'rolebinding',
    'dev',
    '--namespace=fixtures',
    '--clusterrole=buildkit-pool-owner',
    '--user=dev@fixtures',
  ]);
});

describe('a manifest that breaks one rule', () => {
  it.each(read('invalid'))('%s is refused with the whole message', async (_file, text) => {
    const { as, expected, documents } = parseFixture(text);
    for (const earlier of documents.slice(0, -1)) await expectApplied(earlier, as);
    const { status, said } = await apply(documents.at(-1) ?? '', as);
    expect({ status, said: sortCauses(said) }).toEqual({ status: 1, said: sortCauses(expected) });
  });
});

describe('a manifest at the edge of what is good', () => {
  it.each(read('valid'))('%s is accepted', async (_file, text) => {
    await expectApplied(text);
  });
});
