/** One writer at a time: a Lease, coordination.k8s.io/v1, of our own namespace. */
import { maxClockSkewSeconds } from '../../api/limits/tokens.ts';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { V1Lease } from '@kubernetes/client-node';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import type { Json } from './json.ts';
import { leases } from './resources.ts';

export interface LeaseOptions {
  readonly kube: Kube;
  readonly name: string;
  /** Differs from run to run. */
  readonly holder: string;
  /** Must be longer than the work: it is not renewed. */
  readonly durationSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

type Lease = Json<V1Lease>;

/** What others have left on the Lease. */
export type Annotations = Readonly<Record<string, string>>;

/** Does the work while nobody else does work under the same Lease. @throws {Error} naming who holds it. */
export async function withLease(
  options: LeaseOptions,
  work: (annotations: Annotations) => Promise<void>,
): Promise<void> {
  const held = await acquire(options);
  try {
    await work(held.metadata?.annotations ?? {});
  } finally {
    await release(options);
  }
}

const keyOf = (name: string) => ({ namespace: SYSTEM_NAMESPACE, name });

async function acquire(options: LeaseOptions): Promise<Lease> {
  const { kube, name } = options;
  const { get, create, replace } = leases(kube);
  const found = await get(keyOf(name));
  if (found !== undefined && isHeld(found, options)) {
    throw new Error(`Lease ${name}: held by ${found.spec?.holderIdentity ?? ''}`);
  }
  const lease = makeLease(options, found);
  try {
    return await (found === undefined ? create(lease) : replace(lease));
  } catch (error) {
    if (error instanceof KubeError && error.status === 409)
      throw new Error(`Lease ${name}: taken by another`, { cause: error });
    throw error;
  }
}

/** No longer than our own would be: whoever may write the Lease could keep everybody away for years otherwise. */
function isHeld({ spec }: Lease, { durationSeconds, now }: LeaseOptions): boolean {
  const { holderIdentity = '', leaseDurationSeconds = 0, renewTime = '' } = spec ?? {};
  const ageSeconds = (now() - Date.parse(renewTime)) / 1000;
  const isFresh = ageSeconds >= -maxClockSkewSeconds && ageSeconds < Math.min(leaseDurationSeconds, durationSeconds);
  return holderIdentity !== '' && isFresh;
}

function makeLease({ name, holder, durationSeconds, now }: LeaseOptions, found: Lease | undefined) {
  const time = new Date(now()).toISOString().replace('Z', '000Z');
  return {
    metadata: { ...keyOf(name), ...found?.metadata },
    spec: { holderIdentity: holder, leaseDurationSeconds: durationSeconds, acquireTime: time, renewTime: time },
  };
}

/** What was done is done: a Lease that can't be given back ends by itself. */
async function release(options: LeaseOptions): Promise<void> {
  // Once more, because somebody may annotate it in between.
  await tryRelease(options)
    .catch(() => tryRelease(options))
    .catch(() => undefined);
}

async function tryRelease({ kube, name, holder }: LeaseOptions): Promise<void> {
  const { get, replace } = leases(kube);
  const found = await get(keyOf(name));
  if (found?.spec?.holderIdentity !== holder) return;
  await replace({ metadata: { ...found.metadata, ...keyOf(name) }, spec: {} });
}
