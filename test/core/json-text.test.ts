import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../core/json-text.ts';

describe('a key with an escape', () => {
  it.each([
    ['{"a1":1,"\\\\":1}', '{"a1":1,"\\n":1}'],
    ['{"a2":1,"x\\\\":1}', '{"a2":1,"x\\"":1}'],
    // What a field manager owns, after a stranger's object that was made for it.
    [
      `{"a3":{},${JSON.stringify('k:{\\"type\\":\\"Read')}:1}`,
      `{"a3":{},${JSON.stringify('k:{"type":"Ready"}')}:{".":{}}}`,
    ],
  ])('is read as it is written after %s: %s', (before, text) => {
    parseJson(before);
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it('may look like the stand-in of another', () => {
    const text = '{"~0":1,"~~1":2,"\\n":3,"\\t":{"~":4,"\\"":[{"\\\\":5}]}}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it('may stand there twice, and the last one counts', () => {
    expect(parseJson('{"\\n":1,"\\u000a":2}')).toEqual({ '\n': 2 });
  });

  it('may be a number, and the last one of two spellings counts', () => {
    expect(parseJson('{"\\u0031":"escaped","1":"plain"}')).toEqual({ '1': 'plain' });
    expect(parseJson('{"1":"plain","\\u0031":"escaped"}')).toEqual({ '1': 'escaped' });
  });

  it('may stand between two plain ones', () => {
    expect(parseJson('{"a":0,"\\u0061":1,"a":2}')).toEqual({ a: 2 });
  });

  it('counts where it is written last, however it and others are spelled', () => {
    const spell = (key: string) =>
      key.replaceAll(/./gsu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const name = fc.constantFrom('0', '1', '01', '10', 'a', '\n', '"', '~0');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.boolean())), (members) => {
        const written = members.map(([key, isSpelled], index) => {
          const literal = isSpelled ? `"${spell(key)}"` : JSON.stringify(key);
          return `${literal}:${index}`;
        });
        const meant = Object.fromEntries(members.map(([key], index) => [key, index])) as object;
        expect(JSON.stringify(parseJson(`{${written.join()}}`))).toBe(JSON.stringify(meant));
      }),
    );
  });

  it('may be __proto__', () => {
    const value = parseJson('{"\\u005f_proto__":{"x":1}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
  });
});

it('reads any JSON as it was written', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\\', '"', '\n', '~0', '~', '__proto__', 'a\\"'),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.constant(null), tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc
      .array(fc.tuple(text, tie('value')), { maxLength: 4 })
      .map((members) => Object.fromEntries(members) as object),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (json, space) => {
      const written = JSON.stringify(json, undefined, space);
      expect(JSON.stringify(parseJson(written), undefined, space)).toBe(written);
    }),
  );
});

it.each(['', '{', '{"\\', '{"\\n', '{"\\n":', '{"\\x":1}', '"\\n":1', '\\', '{"a":"\\n":1}', '{"\\":1}', '\\"":1'])(
  'refuses what is no JSON: %s',
  (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  },
);
