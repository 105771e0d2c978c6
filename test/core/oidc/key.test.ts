import { describe, expect, it } from 'vitest';
import { selectKey } from '../../../core/oidc/key.ts';
import type { Algorithm, ParsedToken } from '../../../core/tokens/parse.ts';

const token = (algorithm: Algorithm, keyId?: string): ParsedToken => ({
  algorithm,
  keyId,
  claims: {},
  text: '',
});
const rsa = { kty: 'RSA', kid: 'a', n: 'n', e: 'e' };
const publicRsa = { kty: 'RSA', n: 'n', e: 'e' };
const ec = { kty: 'EC', crv: 'P-256', kid: 'b', x: 'x', y: 'y' };

describe('the key of a token', () => {
  it('is the one of its id, and nothing of it but what is public', () => {
    expect(selectKey([ec, { ...rsa, d: 'secret', use: 'sig' }], token('RS256', 'a'))).toEqual(publicRsa);
    expect(selectKey([rsa, ec], token('ES256', 'b'))).toEqual({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' });
  });

  it('is the only one that fits, where the token names none', () => {
    expect(selectKey([rsa, ec], token('PS512'))).toEqual(publicRsa);
    expect(selectKey([rsa, { ...rsa, kid: 'c' }], token('RS256'))).toBe('none');
  });

  it('is not known where no key has its id', () => {
    expect(selectKey([rsa, ec], token('RS256', 'z'))).toBe('unknown');
    expect(selectKey([{ kty: 'RSA', n: 'n', e: 'e' }], token('RS256', 'a'))).toBe('unknown');
    expect(selectKey([], token('RS256'))).toBe('unknown');
  });

  it.each([
    ['is of another kind', ec, 'RS256'],
    ['is on another curve', { ...ec, crv: 'P-384' }, 'ES256'],
    ['is symmetric', { kty: 'oct', k: 'k' }, 'RS256'],
    ['is for another algorithm', { ...rsa, alg: 'RS384' }, 'RS256'],
    ['is for encryption', { ...rsa, use: 'enc' }, 'RS256'],
    ['has a use that is no text', { ...rsa, use: ['sig'] }, 'RS256'],
    ['is for signing alone', { ...rsa, key_ops: ['sign'] }, 'RS256'],
    ['has operations that are no list', { ...rsa, key_ops: 'verify' }, 'RS256'],
    ['lacks a member', { kty: 'RSA', n: 'n' }, 'RS256'],
    ['has a member that is no text', { ...rsa, e: 3 }, 'RS256'],
    ['is on a Montgomery curve', { kty: 'OKP', crv: 'X25519', x: 'x' }, 'EdDSA'],
  ] as const)('is none that %s', (_, key, algorithm) => {
    expect(selectKey([{ ...key, kid: 'k' }], token(algorithm, 'k'))).toBe('none');
  });

  it('may have either name of the one algorithm of Ed25519', () => {
    const ed = { kty: 'OKP', crv: 'Ed25519', kid: 'e', x: 'x' };
    const found = { kty: 'OKP', crv: 'Ed25519', x: 'x' };
    for (const algorithm of ['EdDSA', 'Ed25519'] as const) {
      for (const alg of [undefined, 'EdDSA', 'Ed25519']) {
        const key = alg === undefined ? ed : { ...ed, alg };
        expect(selectKey([key], token(algorithm, 'e')), `${algorithm} by a key for ${alg}`).toEqual(found);
      }
      expect(selectKey([{ ...ed, alg: 'Ed448' }], token(algorithm, 'e'))).toBe('none');
      expect(selectKey([{ ...ed, crv: 'Ed448' }], token(algorithm, 'e'))).toBe('none');
    }
  });

  it('is the asymmetric one where a secret is published under the same id', () => {
    expect(selectKey([{ kty: 'oct', k: 'k', kid: 'b' }, ec], token('ES256', 'b'))).toEqual({
      kty: 'EC',
      crv: 'P-256',
      x: 'x',
      y: 'y',
    });
  });

  it('is none of two with one id', () => {
    expect(selectKey([rsa, rsa], token('RS256', 'a'))).toBe('none');
    expect(selectKey([rsa, { ...ec, kid: 'a' }], token('RS256', 'a'))).toEqual(publicRsa);
  });
});
