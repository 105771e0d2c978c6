import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Labels } from '../../../core/access/label-selector.ts';
import { makeLease } from '../../../core/allocation/lease.ts';
import { shortDomain } from '../../../core/allocation/principal.ts';
import type { Lease } from '../../../core/lifecycle/cluster-objects.ts';
import { createRefusedFinder } from '../../../functions/lifecycle/refused.ts';
import { makePool } from '../../core/lifecycle/observed.ts';

const now = new Date('2026-01-01T00:00:00Z');
const sha256 = (text: string): string => hash('sha256', text);
const guest = 'system:serviceaccount:guest:ci';
const labelled = { from: 'Selector', selector: { matchLabels: { team: 'a' } } } as const;

const selecting = makePool({ access: { clients: { namespaces: labelled } } });
const ruled = makePool({ access: { clients: { rules: [{ users: [guest] }] } } });

interface LeaseFields {
  readonly uid?: string;
  readonly principal?: string;
  readonly domain?: string;
  readonly renewedAt?: Date;
}

function leaseOf({ uid = 'u', principal = guest, domain = 'ns/guest', renewedAt = now }: LeaseFields = {}): Lease {
  const claim = { lease: '0'.repeat(32), token: '', issuedAtMs: 0, gateway: '' };
  const whole = { ...claim, principal, domain: shortDomain(sha256(domain)) };
  const { metadata, spec } = makeLease(selecting, whole, undefined, renewedAt);
  return { metadata: { ...metadata, uid, resourceVersion: '1' }, spec };
}

function createWorld(labels: Labels | undefined = {}, isReviewed: () => boolean | Error = () => false) {
  const asked: string[] = [];
  let passedMs = 0;
  const find = createRefusedFinder({
    getNamespaceLabels: (namespace) => {
      asked.push(namespace);
      return Promise.resolve(labels);
    },
    reviewAccess: ({ username }) => {
      asked.push(username);
      const verdict = isReviewed();
      return verdict instanceof Error ? Promise.reject(verdict) : Promise.resolve(verdict);
    },
    sha256,
    now: () => new Date(now.getTime() + passedMs),
  });
  return { find, asked, advance: (ms: number) => (passedMs += ms) };
}

describe('leases whose holders may use the pool no more', () => {
  it('are those that no rule, grant or right lets in', async () => {
    const { find } = createWorld({ team: 'b' });
    expect(await find(selecting, [leaseOf()])).toEqual(new Set(['u']));
  });

  it.each([
    ['the labels of their namespace', createWorld({ team: 'a' }), selecting],
    ['a rule', createWorld(), ruled],
    ['a right', createWorld({}, () => true), selecting],
  ])('are not those that %s lets in', async (_, { find }, pool) => {
    expect(await find(pool, [leaseOf()])).toEqual(new Set());
  });

  it('are those of a namespace that is gone, and of another trust domain than their name says', async () => {
    expect(await createWorld(undefined).find(selecting, [leaseOf()])).toEqual(new Set(['u']));
    const { find } = createWorld({ team: 'a' });
    expect(await find(selecting, [leaseOf({ domain: 'ns/other' })])).toEqual(new Set(['u']));
  });

  it('are not looked for among those that are over, or that an OIDC issuer vouches for', async () => {
    const { find, asked } = createWorld();
    const vouched = leaseOf({ principal: 'oidc:guest/ci:alice' });
    expect(await find(selecting, [leaseOf({ renewedAt: new Date(0) }), vouched])).toEqual(new Set());
    expect(asked).toEqual([]);
  });

  it('cost one question for each principal, however many leases it has', async () => {
    const { find, asked } = createWorld();
    expect(await find(selecting, [leaseOf({ uid: 'u1' }), leaseOf({ uid: 'u2' })])).toEqual(new Set(['u1', 'u2']));
    expect(asked).toEqual(['guest', guest]);
  });

  it('are asked of the authorizer again when a yes is old, and at once after a no', async () => {
    let isGranted = true;
    const { find, asked, advance } = createWorld({}, () => isGranted);
    const reviews = () => asked.filter((name) => name === guest).length;
    await find(selecting, [leaseOf()]);
    await find(selecting, [leaseOf()]);
    expect(reviews()).toBe(1);
    advance(15_000);
    isGranted = false;
    expect(await find(selecting, [leaseOf()])).toEqual(new Set(['u']));
    await find(selecting, [leaseOf()]);
    expect(reviews()).toBe(3);
  });

  it('are nobody while the authorizer gives no verdict: it is tried again', async () => {
    const { find } = createWorld({}, () => new Error('apiserver unreachable'));
    await expect(find(selecting, [leaseOf()])).rejects.toThrow('apiserver unreachable');
  });
});
