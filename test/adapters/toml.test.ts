import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { parseToml } from '../../adapters/toml.ts';
import { maxBuildkitConfigLength } from '../../api/limits/fields.ts';

const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 200) };

describe('parseToml', () => {
  it('reads a document', () => {
    expect(parseToml('[worker.oci]\nmax-parallelism = 4\nlabels = { a = "b" }\n')).toEqual({
      ok: true,
      value: { worker: { oci: { 'max-parallelism': 4, labels: { a: 'b' } } } },
    });
  });

  it.each([
    ['a =', 1, 4],
    ['a = 1\na = 2', 2, 1],
    ['a = "x', 1, 5],
    ['__proto__ = 1', 1, 1],
    ['a.constructor = 1', 1, 1],
    ['a = "\u0000"', 1, 1],
  ])('says where %j is none', (text, line) => {
    const parsed = parseToml(text);
    expect(parsed).toMatchObject({ ok: false, error: { line } });
  });

  it('answers to everything that fits in the field', () => {
    for (const text of ['['.repeat(maxBuildkitConfigLength), `a=${'['.repeat(60_000)}`, `${'a.'.repeat(32_000)}a=1`])
      expect(() => parseToml(text)).not.toThrow();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseToml(text)).toHaveProperty('ok');
      }),
      runs,
    );
  });

  it('reads back what it writes: what a string says stays in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(parseToml(stringify({ a: { b: text } }))).toEqual({ ok: true, value: { a: { b: text } } });
      }),
      runs,
    );
  });
});
