import { describe, expect, it } from 'vitest';
import { intermediateCaTtlSeconds, rootCaTtlSeconds, rootOverlapSeconds } from '../../../api/limits/authority.ts';
import { planHierarchy, type HierarchyStep, type ObservedHierarchy } from '../../../core/authority/hierarchy.ts';

const now = 1_800_000_000;
const madeAt = (time: number, ttlSeconds: number) => ({ notBefore: time - 60, notAfter: time + ttlSeconds });
const fresh = { ...madeAt(now - 100, intermediateCaTtlSeconds), isOfCurrentRoot: true, isForCluster: true };
const stable = { hasCurrent: true, stableSince: now - rootCaTtlSeconds };
const root = { current: madeAt(now - 100, rootCaTtlSeconds), hasNext: false, previousEnd: undefined };
const nothing: ObservedHierarchy = {
  root: undefined,
  hasFormer: false,
  bundle: undefined,
  intermediates: { clients: undefined, servers: undefined },
  askedAt: undefined,
};
const resting: ObservedHierarchy = {
  ...nothing,
  root,
  bundle: stable,
  intermediates: { clients: fresh, servers: fresh },
};

const name = (step: HierarchyStep): string => (step.kind === 'sign' ? `sign ${step.name}` : step.kind);

function steps(observed: Partial<ObservedHierarchy>): string {
  const plan = planHierarchy({ ...resting, ...observed }, now);
  return plan.ok ? plan.value.map(name).join(', ') : plan.error;
}

const old = { ...root, current: madeAt(now - rootCaTtlSeconds / 2, rootCaTtlSeconds) };

describe('the plan of the authority', () => {
  it.each<[string, Partial<ObservedHierarchy>, string]>([
    ['nothing is there', nothing, 'make, publish, sign clients, sign servers'],
    ['a CA without a root is there', { ...nothing, hasFormer: true }, 'adopt, publish, sign clients, sign servers'],
    ['all is fresh', {}, 'publish'],
    ['the bundle is gone', { bundle: undefined }, 'publish'],
    ['an intermediate is gone', { intermediates: { clients: undefined, servers: fresh } }, 'publish, sign clients'],
    [
      'an intermediate is of the root before',
      { intermediates: { clients: fresh, servers: { ...fresh, isOfCurrentRoot: false } } },
      'publish, sign servers',
    ],
    [
      'the cluster has another name',
      { intermediates: { clients: { ...fresh, isForCluster: false }, servers: fresh } },
      'publish, sign clients',
    ],
    [
      'the intermediates are at half of their life',
      {
        intermediates: {
          clients: { ...fresh, ...madeAt(now - intermediateCaTtlSeconds / 2, intermediateCaTtlSeconds) },
          servers: { ...fresh, ...madeAt(now - intermediateCaTtlSeconds / 2 + 60, intermediateCaTtlSeconds) },
        },
      },
      'publish, sign clients',
    ],
    ['the root is at half of its life', { root: old }, 'prepare, publish'],
    ['a rotation was asked for', { askedAt: now }, 'prepare, publish'],
    ['a rotation was asked for before the root was made', { askedAt: now - 100 }, 'publish'],
    ['a rotation was asked for tomorrow', { askedAt: now + 1 }, 'publish'],
    [
      'the next root is trusted for long enough',
      { root: { ...old, hasNext: true }, bundle: { hasCurrent: true, stableSince: now - rootOverlapSeconds } },
      'promote, publish, sign clients, sign servers',
    ],
    [
      'the next root is not trusted for long enough',
      { root: { ...old, hasNext: true }, bundle: { hasCurrent: true, stableSince: now - rootOverlapSeconds + 1 } },
      'publish',
    ],
    [
      'the next root is not in the bundle',
      { root: { ...old, hasNext: true }, bundle: { hasCurrent: true, stableSince: undefined } },
      'publish',
    ],
    ['the bundle with the next root is gone', { root: { ...old, hasNext: true }, bundle: undefined }, 'publish'],
    ['certificates of the root before may live', { root: { ...root, previousEnd: now + 1 } }, 'publish'],
    [
      'a rotation is asked for in the middle of one',
      { root: { ...root, previousEnd: now + 1 }, askedAt: now },
      'publish',
    ],
    ['the last certificate of the root before has ended', { root: { ...root, previousEnd: now } }, 'retire, publish'],
    [
      'the root before still has an intermediate',
      {
        root: { ...root, previousEnd: now },
        intermediates: { clients: fresh, servers: { ...fresh, isOfCurrentRoot: false } },
      },
      'publish, sign servers',
    ],
    [
      'the root is lost beside its bundle',
      { ...nothing, bundle: stable },
      'Secret buildkit-root-ca: expected the root of ConfigMap buildkit-trust-bundle, got none: restore it from a backup, or, to end every certificate and begin anew, delete ConfigMap buildkit-trust-bundle too',
    ],
    [
      'the root is lost above an intermediate',
      { ...nothing, hasFormer: true, intermediates: { clients: fresh, servers: fresh } },
      'Secret buildkit-root-ca: expected the root of Secret buildkit-client-ca, Secret buildkit-server-ca, got none: restore it from a backup, or, to end every certificate and begin anew, delete Secret buildkit-client-ca, Secret buildkit-server-ca too',
    ],
    [
      'the bundle trusts other roots',
      { bundle: { hasCurrent: false, stableSince: undefined } },
      'ConfigMap buildkit-trust-bundle: expected the root of Secret buildkit-root-ca, got others: restore the Secret that belongs to it, or, where the ConfigMap is the one that is wrong, delete it to have it made anew',
    ],
  ])('when %s', (_, observed, expected) => {
    expect(steps(observed)).toBe(expected);
  });
});
