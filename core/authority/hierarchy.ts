/**
 * What the authority does about the root and the intermediates below it: what stands is looked at, and each run takes
 * the steps that are due, in this order.
 *
 * No I/O. No clock. No randomness.
 */
import { intermediateCaTtlSeconds, rootOverlapSeconds } from '../../api/limits/authority.ts';
import { CA_SECRETS, TRUST_BUNDLE } from '../../api/names.ts';
import { err, ok, type Result } from '../result.ts';
import { isPastHalf, planCa, type Validity } from './rotation.ts';

export const INTERMEDIATES = ['clients', 'servers'] as const;
export type IntermediateName = (typeof INTERMEDIATES)[number];

export interface ObservedIntermediate extends Validity {
  readonly isOfCurrentRoot: boolean;
  /** Whether it may sign what it is for, in a cluster of our name. */
  readonly isForCluster: boolean;
}

export interface ObservedHierarchy {
  readonly root:
    | {
        readonly current: Validity;
        readonly hasNext: boolean;
        /** Seconds since the epoch: when the last certificate below the previous root has ended. */
        readonly previousEnd: number | undefined;
      }
    | undefined;
  /** Whether the Secret of an install without a root is there. */
  readonly hasFormer: boolean;
  readonly bundle:
    | {
        /** Whether the root that signs is among them. */
        readonly hasCurrent: boolean;
        /** Since when exactly our roots stand in it, in seconds; undefined where others do. */
        readonly stableSince: number | undefined;
      }
    | undefined;
  readonly intermediates: Readonly<Record<IntermediateName, ObservedIntermediate | undefined>>;
  /** Seconds since the epoch. */
  readonly askedAt: number | undefined;
}

/**
 * `adopt`: let the CA of an install without a root be the root, and prepare its successor at once. `publish`: let the
 * bundle hold exactly our roots.
 */
export type HierarchyStep =
  | { readonly kind: 'make' | 'adopt' | 'prepare' | 'promote' | 'retire' | 'publish' }
  | { readonly kind: 'sign'; readonly name: IntermediateName };

/** The error says what is missing, and what to do. */
export function planHierarchy(observed: ObservedHierarchy, now: number): Result<readonly HierarchyStep[], string> {
  const { root, bundle, hasFormer } = observed;
  if (root === undefined) {
    if (findTraces(observed).length > 0) return err(describeLoss(findTraces(observed)));
    return ok([{ kind: hasFormer ? 'adopt' : 'make' }, publish, ...INTERMEDIATES.map(sign)]);
  }
  if (bundle?.hasCurrent === false) return err(strangeBundle);
  const step = planCa({
    now,
    current: root.current,
    next: root.hasNext ? { trustedSince: bundle?.stableSince } : undefined,
    previous: judgePrevious(observed, now),
    overlapSeconds: rootOverlapSeconds,
    askedAt: observed.askedAt,
  });
  const stale = INTERMEDIATES.filter((name) => step === 'promote' || isStale(observed.intermediates[name], now));
  const rootSteps: readonly HierarchyStep[] = step === 'none' ? [] : [{ kind: step }];
  // The bundle comes before the first signature: whoever is shown one can verify it.
  return ok([...rootSteps, publish, ...stale.map(sign)]);
}

const publish = { kind: 'publish' } as const;
const sign = (name: IntermediateName): HierarchyStep => ({ kind: 'sign', name });

function judgePrevious({ root, intermediates }: ObservedHierarchy, now: number): 'none' | 'used' | 'unused' {
  if (root?.previousEnd === undefined) return 'none';
  const isSigning = INTERMEDIATES.some((name) => intermediates[name]?.isOfCurrentRoot === false);
  return now < root.previousEnd || isSigning ? 'used' : 'unused';
}

const isStale = (found: ObservedIntermediate | undefined, now: number): boolean =>
  found === undefined || !found.isOfCurrentRoot || !found.isForCluster || isPastHalf(found, now);

/**
 * No certificate outlives its issuer, and no root signs an intermediate once it was promoted away: then none below it
 * is left.
 */
export const endOfPrevious = (promotedAt: number): number => promotedAt + intermediateCaTtlSeconds;

/** What is there only where a root was there. */
const findTraces = ({ bundle, intermediates }: ObservedHierarchy): readonly string[] => [
  ...(bundle === undefined ? [] : [`ConfigMap ${TRUST_BUNDLE.configMap}`]),
  ...INTERMEDIATES.filter((name) => intermediates[name] !== undefined).map((name) => `Secret ${CA_SECRETS[name]}`),
];

const describeLoss = (traces: readonly string[]): string =>
  `Secret ${CA_SECRETS.root}: expected the root of ${traces.join(', ')}, got none: restore it from a backup, or, to ` +
  `end every certificate and begin anew, delete ${traces.join(', ')} too`;

const strangeBundle =
  `ConfigMap ${TRUST_BUNDLE.configMap}: expected the root of Secret ${CA_SECRETS.root}, got others: restore the ` +
  `Secret that belongs to it, or, where the ConfigMap is the one that is wrong, delete it to have it made anew`;
