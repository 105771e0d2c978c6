/** One writer at a time: a Lease, coordination.k8s.io/v1, of our own namespace. */
import { maxClockSkewSeconds } from '../../api/limits/tokens.ts';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';

export interface LeaseOptions {
  readonly kube: Pick<KubeClient, 'call'>;
  readonly name: string;
  /** Differs from run to run. */
  readonly holder: string;
  /** Must be longer than the work: it is not renewed. */
  readonly durationSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Lease {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly renewTime?: string;
  };
}

/** What others have left on the Lease. */
export type Annotations = Readonly<Record<string, string>>;

/** Does the work while nobody else does work under the same Lease. @throws {Error} naming who holds it. */
export async function withLease(
  options: LeaseOptions,
  work: (annotations: Annotations) => Promise<void>,
): Promise<void> {
  const held = await acquire(options);
  try {
    await work(held.metadata.annotations ?? {});
  } finally {
    await release(options);
  }
}

const collection = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM_NAMESPACE}/leases`;

async function acquire(options: LeaseOptions): Promise<Lease> {
  const { kube, name } = options;
  const found = (await orUndefined(kube.call({ path: `${collection}/${name}` }))) as Lease | undefined;
  if (found !== undefined && isHeld(found, options)) {
    throw new Error(`Lease ${name}: held by ${found.spec.holderIdentity ?? ''}`);
  }
  const lease = makeLease(options, found);
  try {
    const call =
      found === undefined
        ? ({ method: 'POST', path: collection } as const)
        : ({ method: 'PUT', path: `${collection}/${name}` } as const);
    return (await kube.call({ ...call, body: lease })) as Lease;
  } catch (error) {
    if (error instanceof KubeError && error.status === 409)
      throw new Error(`Lease ${name}: taken by another`, { cause: error });
    throw error;
  }
}

/** No longer than our own would be: whoever may write the Lease could keep everybody away for years otherwise. */
function isHeld({ spec }: Lease, { durationSeconds, now }: LeaseOptions): boolean {
  const { holderIdentity = '', leaseDurationSeconds = 0, renewTime = '' } = spec;
  const ageSeconds = (now() - Date.parse(renewTime)) / 1000;
  const isFresh = ageSeconds >= -maxClockSkewSeconds && ageSeconds < Math.min(leaseDurationSeconds, durationSeconds);
  return holderIdentity !== '' && isFresh;
}

function makeLease({ name, holder, durationSeconds, now }: LeaseOptions, found: Lease | undefined): unknown {
  const time = new Date(now()).toISOString().replace('Z', '000Z');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: SYSTEM_NAMESPACE, ...found?.metadata },
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
  const path = `${collection}/${name}`;
  const { metadata, spec } = (await kube.call({ path })) as Lease;
  if (spec.holderIdentity !== holder) return;
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: {} };
  await kube.call({ method: 'PUT', path, body });
}
