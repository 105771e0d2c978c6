import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectClaims } from '../../../core/tokens/inspect.ts';
import { parseToken, readIssuer } from '../../../core/tokens/parse.ts';

const expected = { audience: 'here', nowMs: 1_000_000 };
const inspectToken = (text: string, by: typeof expected) => {
  const parsed = parseToken(text);
  return parsed.ok ? inspectClaims(parsed.value.claims, by) : parsed;
};
const goodHeader = { alg: 'RS256', kid: 'k' };
const goodClaims = { iss: 'https://issuer.example', aud: ['elsewhere', 'here'], exp: 1_001, sub: 'somebody' };

const toSegment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const makeToken = (header: unknown = goodHeader, claims: unknown = goodClaims, signature = 'c2ln'): string =>
  `${toSegment(header)}.${toSegment(claims)}.${signature}`;
const refused = (error: string) => ({ ok: false, error });

describe('a token is worth a review', () => {
  it('with our audience and an end that has not come', () => {
    expect(inspectToken(makeToken(), expected)).toEqual({ ok: true, value: { expiresAtMs: 1_001_000 } });
  });

  it('with our audience alone, as a string', () => {
    expect(inspectToken(makeToken(goodHeader, { ...goodClaims, aud: 'here' }), expected).ok).toBe(true);
  });
});

describe('a token is not worth a review', () => {
  it.each([
    ['for another audience', { aud: ['elsewhere'] }, 'other_audience'],
    ['for an audience that only contains ours', { aud: 'heretic' }, 'other_audience'],
    ['for an audience that is an object', { aud: { here: true } }, 'other_audience'],
    ['without audience', { aud: undefined }, 'other_audience'],
    ['at its end', { exp: 1_000 }, 'expired'],
    ['after its end', { exp: 1 }, 'expired'],
    ['without end', { exp: undefined }, 'malformed'],
    ['with an end in words', { exp: '1001' }, 'malformed'],
  ])('%s', (_, change, fault) => {
    expect(inspectToken(makeToken(goodHeader, { ...goodClaims, ...change }), expected)).toEqual(refused(fault));
  });

  it.each([
    ['alg=none', { alg: 'none' }],
    ['alg=NonE', { alg: 'NonE' }],
    ['no alg', {}],
    ['an alg that is no string', { alg: 1 }],
  ])('with %s', (_, header) => {
    expect(inspectToken(makeToken(header), expected)).toEqual(refused('unsigned'));
  });

  it('without a signature', () => {
    expect(inspectToken(makeToken(goodHeader, goodClaims, ''), expected)).toEqual(refused('unsigned'));
  });

  it.each([
    ['two segments', makeToken().split('.').slice(0, 2).join('.')],
    ['four segments', `${makeToken()}.x`],
    ['five segments, as JWE has', `${makeToken()}.eA.eA`],
    ['nothing', ''],
    ['padding', `${makeToken()}=`],
    ['the other alphabet', makeToken(goodHeader, goodClaims, 'c+ln')],
    ['white space', ` ${makeToken()}`],
    ['a last character with stray bits', makeToken(goodHeader, goodClaims, 'c2lh'.slice(0, 2) + 'h')],
    ['a header that is a list', makeToken([])],
    ['claims that are null', makeToken(goodHeader, null)],
    ['claims that are not JSON', `${toSegment(goodHeader)}.eA.c2ln`],
    [
      'claims that are not UTF-8',
      `${toSegment(goodHeader)}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.c2ln`,
    ],
    ['the JSON serialisation', JSON.stringify({ payload: 'eA', signatures: [] })],
  ])('with %s', (_, token) => {
    expect(inspectToken(token, expected)).toEqual(refused('malformed'));
  });

  it('above the limit, before it is decoded', () => {
    expect(inspectToken(makeToken(goodHeader, { ...goodClaims, pad: 'x'.repeat(16_384) }), expected)).toEqual(
      refused('too_long'),
    );
  });

  it('whatever else it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { maxLength: 5 }).map((parts) => parts.join('.')),
        ),
        (token) => {
          expect(inspectToken(token, expected).ok).toBe(false);
        },
      ),
    );
  });

  it('whenever one character of it is spelled otherwise in its segments', () => {
    const token = makeToken();
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom('=', '+', '/', ' ', '\n', '\u00e9'), (index, character) => {
        const spelled = token.slice(0, index) + character + token.slice(index + 1);
        expect(inspectToken(spelled, expected)).toEqual(refused('malformed'));
      }),
    );
  });
});

it('reads the issuer of a token, and none of what is no token', () => {
  expect(readIssuer(makeToken())).toBe('https://issuer.example');
  expect(readIssuer('garbage')).toBeUndefined();
});
