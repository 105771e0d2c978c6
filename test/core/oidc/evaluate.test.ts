import { describe, expect, it } from 'vitest';
import { evaluateClaims } from '../../../core/oidc/evaluate.ts';
import type { IssuerTerms } from '../../../core/oidc/trusted-issuer.ts';
import type { Voucher } from '../../../core/principal.ts';

const by: Voucher = { kind: 'config', namespace: 'tenant-a', name: 'ci', uid: 'u' };
const evaluate = (claims: object, terms: Partial<IssuerTerms> = {}) =>
  evaluateClaims(claims as Record<string, unknown>, {
    id: 'u/1',
    by,
    mayBePrivate: false,
    terms: { issuer: 'https://issuer.example', audience: 'builds', ...terms },
  });

describe('the user', () => {
  it.each([
    ['is the subject', { sub: 'alice' }, {}, 'alice'],
    ['is in the claim that the config names', { sub: 'x', login: 'alice' }, { user: 'login' }, 'alice'],
    ['may stand in a claim with dots', { 'https://x.example/id': 'alice' }, { user: 'https://x.example/id' }, 'alice'],
    ['may be a number', { id: 4711 }, { user: 'id' }, '4711'],
    ['may be a verified address', { email: 'a@b.c', email_verified: true }, { user: 'email' }, 'a@b.c'],
    ['may be an address of which nothing is said', { email: 'a@b.c' }, { user: 'email' }, 'a@b.c'],
  ])('%s', (_, claims, claimsMapping, value) => {
    expect(evaluate(claims, { claimsMapping })).toEqual({ by, value });
  });

  it.each([
    ['a claim that is not there', { sub: 'alice' }, { user: 'login' }],
    ['a claim of the prototype', {}, { user: 'toString' }],
    ['an address that is not verified', { email: 'a@b.c', email_verified: false }, { user: 'email' }],
    ['an address that is verified in words', { email: 'a@b.c', email_verified: 'true' }, { user: 'email' }],
    ['a number that was rounded', { id: 2 ** 53 }, { user: 'id' }],
    ['a fraction', { id: 0.5 }, { user: 'id' }],
    ['true', { id: true }, { user: 'id' }],
    ['nothing', { sub: '' }, {}],
    ['a lone surrogate', { sub: 'a\ud800' }, {}],
    ['a change of direction', { sub: 'a\u202eb' }, {}],
  ])('is never %s', (_, claims, claimsMapping) => {
    expect(evaluate(claims, { claimsMapping })).toBeUndefined();
  });
});

describe('bound claims', () => {
  const boundClaims = { repository_id: ['1', '2'], protected: ['true'] };
  it.each([
    { repository_id: '1', protected: 'true' },
    { repository_id: 2, protected: true },
    { repository_id: ['3', '1'], protected: true },
    { repository_id: [2], protected: [false, 'true'] },
  ])('hold for %j', (claims) => {
    expect(evaluate({ sub: 'alice', ...claims }, { boundClaims })).toEqual({ by, value: 'alice' });
  });
  it.each([
    {},
    { repository_id: '1' },
    { repository_id: '3', protected: true },
    { repository_id: [], protected: true },
    { repository_id: ['3', '4'], protected: true },
    { repository_id: [['1']], protected: true },
    { repository_id: [null, { 1: '1' }], protected: true },
    { repository_id: '1,2', protected: true },
    { repository_id: { 0: '1' }, protected: true },
    { repository_id: '1', protected: null },
    { repository_id: '01', protected: true },
    { repository_id: '1', protected: 'TRUE' },
  ])('do not hold for %j', (claims) => {
    expect(evaluate({ sub: 'alice', ...claims }, { boundClaims })).toBeUndefined();
  });
  it('do not take two numbers for one', () => {
    const rounded = { boundClaims: { id: ['9007199254740992'] } };
    expect(evaluate({ sub: 'alice', id: JSON.parse('9007199254740993') as number }, rounded)).toBeUndefined();
  });
});

describe('the pools of a token', () => {
  const terms = { claimsMapping: { pools: 'pools' } };
  it.each([
    [
      ['a', 'tenant-b/*'],
      ['a', 'tenant-b/*'],
    ],
    ['a', ['a']],
    [[1, 'a', null], ['a']],
    [undefined, []],
    [{ a: true }, []],
    [true, []],
  ])('of %j are %j', (pools, expected) => {
    expect(evaluate({ sub: 'alice', pools }, terms)).toEqual({ by, value: 'alice', pools: expected });
  });
});

it.each(['a"', 'a\\', 'a\n', 'a\ud800'])('a claim whose name takes an escape in JSON binds nothing: %j', (name) => {
  expect(evaluate({ sub: 'alice', [name]: '1' }, { boundClaims: { [name]: ['1'] } })).toBeUndefined();
});
