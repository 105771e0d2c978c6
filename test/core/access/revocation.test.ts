import { describe, expect, it } from 'vitest';
import { isIssuanceRefused, isRevoked } from '../../../core/access/revocation.ts';

const at = (time: string) => ({ principal: 'alice', issuedAtMs: Date.parse(time) });
const early = at('2026-11-23T11:00:00Z');
const exact = at('2026-11-23T12:00:00Z');
const late = at('2026-11-23T13:00:00Z');
const all = { revokedBefore: '2026-11-23T12:00:00Z' };
const alice = { revokedPrincipals: [{ principal: 'alice', before: '2026-11-23T12:00:00Z' }] };
const bob = { revokedPrincipals: [{ principal: 'bob', before: '2026-11-23T12:00:00Z' }] };

describe('a certificate', () => {
  it('counts where nothing was revoked', () => {
    for (const access of [undefined, {}, { revokedPrincipals: [] }]) expect(isRevoked(access, early)).toBe(false);
  });

  it.each([
    ['all before it', all],
    ['all before it, in another time zone', { revokedBefore: '2026-11-23T14:00:00.000+02:00' }],
    ['its principal before it', alice],
    ['all of its principals', { ...all, ...bob }],
  ])('counts from the moment on until which was revoked: %s', (_, access) => {
    expect([early, exact, late].map((holder) => isRevoked(access, holder))).toEqual([true, false, false]);
  });

  it('of another principal counts', () => {
    expect(isRevoked(bob, early)).toBe(false);
    expect(isRevoked(alice, { ...early, principal: 'alice ' })).toBe(false);
  });

  it('counts for nothing where the time is none', () => {
    expect(isRevoked({ revokedBefore: 'soon' }, late)).toBe(true);
    expect(isRevoked(alice, { principal: 'alice', issuedAtMs: Number.NaN })).toBe(true);
  });
});

describe('nothing is issued', () => {
  it('to anybody until a time in the future', () => {
    expect([early, exact, late].map((holder) => isIssuanceRefused(all, holder))).toEqual([true, false, false]);
  });

  it('to a principal for as long as it is listed', () => {
    expect([early, exact, late].map((holder) => isIssuanceRefused(alice, holder))).toEqual([true, true, true]);
    expect(isIssuanceRefused(bob, early)).toBe(false);
  });

  it('that would be revoked at once', () => {
    for (const access of [undefined, all, alice, bob])
      for (const holder of [early, exact, late])
        if (isRevoked(access, holder)) expect(isIssuanceRefused(access, holder)).toBe(true);
  });
});
