import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNamed, matches } from '../../../core/access/rules.ts';

const pool = { namespace: 'buildkit-system', name: 'shared-pool' };
const account = 'system:serviceaccount:tenant-a:ci';
const rules = (...list: { users: string[]; pools?: string[] }[]) => ({ clients: { rules: list } });

describe('a rule', () => {
  it.each([account, 'system:serviceaccount:tenant-a:*', 'system:serviceaccount:*:ci', 'system:serviceaccount:*'])(
    'lets in whom it names: %s',
    (user) => {
      expect(isNamed(rules({ users: ['somebody', user] }), account, pool)).toBe(true);
    },
  );

  it.each(['*', 'ci', 'system:*', '*:ci', 'system:serviceaccount:tenant-b:*', 'oidc:tenant-a/ci:*', ''])(
    'lets in nobody else: %s',
    (user) => {
      expect(isNamed(rules({ users: [user] }), account, pool)).toBe(false);
    },
  );

  it.each([['shared-pool'], ['buildkit-system/shared-pool'], ['other', 'shared-*'], ['*']])(
    'counts for its pool: %j',
    (...pools) => {
      expect(isNamed(rules({ users: [account], pools }), account, pool)).toBe(true);
    },
  );

  it.each([['other'], ['tenant-a/shared-pool'], []])('may leave its pool out: %j', (...pools) => {
    expect(isNamed(rules({ users: [account], pools }), account, pool)).toBe(false);
  });

  it('is one of several, each on its own', () => {
    const access = rules({ users: [account], pools: ['other'] }, { users: ['x'] });
    expect(isNamed(access, account, pool)).toBe(false);
  });

  it.each([undefined, {}, { clients: {} }, rules()])('is not there: %j', (access) => {
    expect(isNamed(access, account, pool)).toBe(false);
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

  it('takes every other character as it is', () => {
    expect(matches('a.c', 'abc')).toBe(false);
    expect(matches('(a+)+$', '(a+)+$')).toBe(true);
  });
});
