/** What requests look up in the apiserver to decide, each lookup shared by all that it is late enough for. */
import type { PoolAccess, UserInfo } from '../api/review.ts';
import type { Pool } from '../api/v1beta1/pool.ts';
import type { Labels } from '../core/access/label-selector.ts';
import { makeRequester } from '../core/admission/requester.ts';
import { formatPoolKey, type PoolKey } from '../core/pool-reference.ts';
import { createReadSharing } from '../core/shared-reads.ts';
import { captureActivity } from './activity.ts';
import { createAccessReviewer } from './kube/access-review.ts';
import { KubeError, type KubeClient } from './kube/client.ts';
import { createNamespaceReader } from './kube/namespaces.ts';
import { createPoolReader } from './kube/pools.ts';

/** Each throws KubeError when the apiserver can't say. */
export interface Lookups {
  readonly getPool: (key: PoolKey) => Promise<Pool | undefined>;
  /** Undefined where there is no such namespace. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
  readonly reviewAccess: (user: UserInfo, access: PoolAccess) => Promise<boolean>;
}

/**
 * To be opened when a request arrives. With `maxMs`, what is not answered so long after that fails for this request, and
 * for no other that waits for the same answer.
 */
export type OpenLookups = (maxMs?: number) => Lookups;

interface Review {
  readonly user: UserInfo;
  readonly access: PoolAccess;
}

export function createSharedLookups(kube: Pick<KubeClient, 'call'>): OpenLookups {
  const { arrive, share } = createReadSharing(captureActivity);
  const review = createAccessReviewer(kube);
  const getPool = share(createPoolReader(kube), formatPoolKey);
  const getNamespaceLabels = share(createNamespaceReader(kube), (name) => name);
  const reviewAccess = share(({ user, access }: Review) => review(user, access), formatReview);

  return (maxMs) => {
    const arrival = arrive();
    const within = maxMs === undefined ? noLimit : limitWait(maxMs);
    return {
      getPool: (key) => within(getPool(arrival, key)),
      getNamespaceLabels: (namespace) => within(getNamespaceLabels(arrival, namespace)),
      reviewAccess: (user, access) => within(reviewAccess(arrival, { user, access })),
    };
  };
}

/** All that the authorizer is sent. */
const formatReview = ({ user, access: { verb, namespace, name } }: Review): string =>
  JSON.stringify([verb, namespace, name, makeRequester(user)]);

const noLimit = <T>(answer: Promise<T>): Promise<T> => answer;

function limitWait(maxMs: number): <T>(answer: Promise<T>) => Promise<T> {
  const endMs = performance.now() + maxMs;
  return async (answer) => {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => {
        reject(new KubeError(0, 'Unreachable', `no answer of the apiserver within ${maxMs} ms`));
      },
      Math.max(0, endMs - performance.now()),
    );
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      clearTimeout(timer);
    }
  };
}
