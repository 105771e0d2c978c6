import { expect, it } from 'vitest';
import { parseJson } from '../../functions/request.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

it('reads a key with an escape as it is written, whatever somebody else sent before', () => {
  parseJson(bytes('{"body1":1,"\\\\":1}'));
  const text = '{"body1":1,"\\n":1}';
  expect(parseJson(bytes(text))).toEqual({ ok: true, value: { body1: 1, '\n': 1 } });
});

it.each(['{', ''])('refuses what is no JSON: %s', (text) => {
  expect(parseJson(bytes(text))).toEqual({ ok: false, error: 'not_json' });
});

it('refuses what is not UTF-8', () => {
  expect(parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ ok: false, error: 'not_json' });
});
