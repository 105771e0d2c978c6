import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isClaimed, isNamed, matches } from '../../../core/access/rules.ts';
import { formatOidcName, type Principal, type Voucher } from '../../../core/principal.ts';

const pool = { namespace: 'buildkit-system', name: 'shared-pool' };
const account = 'system:serviceaccount:tenant-a:ci';
const principal = { user: { username: account } };
const rules = (...list: { users: string[]; pools?: string[] }[]) => ({ clients: { rules: list } });

describe('a rule', () => {
  it.each([account, 'system:serviceaccount:tenant-a:*', 'system:serviceaccount:*:ci', 'system:serviceaccount:*'])(
    'lets in whom it names: %s',
    (user) => {
      expect(isNamed(rules({ users: ['somebody', user] }), principal, pool)).toBe(true);
    },
  );

  it.each(['*', 'ci', 'system:*', '*:ci', 'system:serviceaccount:tenant-b:*', 'oidc:tenant-a/ci:*', ''])(
    'lets in nobody else: %s',
    (user) => {
      expect(isNamed(rules({ users: [user] }), principal, pool)).toBe(false);
    },
  );

  it.each([['shared-pool'], ['buildkit-system/shared-pool'], ['other', 'shared-*'], ['*']])(
    'counts for its pool: %j',
    (...pools) => {
      expect(isNamed(rules({ users: [account], pools }), principal, pool)).toBe(true);
    },
  );

  it.each([['other'], ['tenant-a/shared-pool'], []])('may leave its pool out: %j', (...pools) => {
    expect(isNamed(rules({ users: [account], pools }), principal, pool)).toBe(false);
  });

  it('is one of several, each on its own', () => {
    const access = rules({ users: [account], pools: ['other'] }, { users: ['x'] });
    expect(isNamed(access, principal, pool)).toBe(false);
  });

  it.each([undefined, {}, { clients: {} }, rules()])('is absent, and lets nobody in: %j', (access) => {
    expect(isNamed(access, principal, pool)).toBe(false);
  });
});

const vouched = (by: Voucher, value = 'alice', pools?: string[]): Principal => ({
  user: { username: formatOidcName(by, value) },
  vouched: { by, value, ...(pools === undefined ? {} : { pools }) },
});
const config = (namespace: string, name = 'ci'): Voucher => ({ kind: 'config', namespace, name, uid: 'u' });
const inline: Voucher = { kind: 'inline', pool, uid: 'p' };
const named = (user: string, who: Principal) => isNamed(rules({ users: [user] }), who, pool);

describe('a rule about whom an issuer vouches for', () => {
  it.each(['oidc:tenant-a/ci:alice', 'oidc:tenant-a/ci:*', 'oidc:tenant-*/ci:al*', 'oidc:*:alice'])(
    'lets in whom it names: %s',
    (user) => {
      expect(named(user, vouched(config('tenant-a')))).toBe(true);
    },
  );

  it.each([
    'alice',
    '*',
    'oidc:*',
    'oidc:tenant-a/*',
    'oidc:tenant-b/ci:alice',
    'oidc:tenant-a/ci/inline:alice',
    'oidc:tenant-a/c:i:alice',
    'system:serviceaccount:*',
    'OIDC:tenant-a/ci:alice',
  ])('lets in nobody else: %s', (user) => {
    expect(named(user, vouched(config('tenant-a')))).toBe(false);
  });

  it.each(['alice', '*', 'a*'])('by value alone means the own issuers of the pool: %s', (user) => {
    expect(named(user, vouched(inline))).toBe(true);
    expect(named(user, vouched(config(pool.namespace)))).toBe(true);
    expect(named(user, vouched(config('tenant-a')))).toBe(false);
  });

  it('is never met by a value that looks like a name', () => {
    expect(named(account, vouched(inline, account))).toBe(false);
    expect(named('system:*', vouched(inline, 'system:masters'))).toBe(false);
    expect(named('oidc:tenant-a/ci:alice', vouched(inline, 'oidc:tenant-a/ci:alice'))).toBe(false);
    expect(named('oidc:*/ci:alice', vouched(config('tenant-b', 'x'), '/ci:alice'))).toBe(false);
    expect(named('oidc:tenant-a/ci:alice', vouched(config('tenant-b', 'x'), 'tenant-a/ci:alice'))).toBe(false);
  });
});

describe('a token that names its pools', () => {
  it.each([[['shared-pool']], [['buildkit-system/*']], [['other', '*']]])('is for %j', (pools) => {
    expect(isClaimed(vouched(inline, 'alice', pools), pool)).toBe(true);
  });
  it.each([[[]], [['other']], [['tenant-a/shared-pool']]])('is for no other than %j', (pools) => {
    expect(isClaimed(vouched(inline, 'alice', pools), pool)).toBe(false);
  });
  it('is for any where it names none, as its config has it', () => {
    expect(isClaimed(vouched(inline), pool)).toBe(true);
    expect(isClaimed(principal, pool)).toBe(true);
  });
});

describe('matches', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(word, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }), (pattern, text) => {
        expect(matches(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 's').test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('matches every other character literally', () => {
    expect(matches('a.c', 'abc')).toBe(false);
    expect(matches('(a+)+$', '(a+)+$')).toBe(true);
  });
});
