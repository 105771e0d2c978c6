/**
 * The Lease of a certificate: which worker it has, and until when.
 *
 * The Lease names the worker and the worker names the Lease, each by a write that fails when somebody else wrote before.
 * A lease holds a worker when both agree. No I/O. No clock.
 */
import { leaseDurationSeconds, minRenewalAgeMs } from '../../api/limits/allocation.ts';
import { KINDS, LABELS, LEASE_ANNOTATIONS, MANAGED_BY, STORAGE_API_VERSION } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';

/** Who asks for a worker of a pool, by a certificate that was verified. */
export interface Claim {
  /** First half of the certificate's SHA-256, and a number from its second lease on. */
  readonly lease: string;
  /** `sha256:` and the hash of the certificate. */
  readonly token: string;
  readonly principal: string;
  /** First half of the SHA-256 of the trust domain. */
  readonly domain: string;
  readonly issuedAtMs: number;
  /** UID of the Pod of the gateway that asks. */
  readonly gateway: string;
}

export interface WorkerKey {
  readonly namespace: string;
  readonly name: string;
}

/** A worker that a Lease names. Without its UID it is one that is made for the Lease, by whoever comes first. */
export interface Holder extends WorkerKey {
  readonly uid?: string | undefined;
}

/** A Lease that is to be created: the apiserver adds the rest of its metadata. */
export interface NewLease {
  readonly metadata: Pick<Lease['metadata'], 'name' | 'namespace' | 'labels' | 'annotations' | 'ownerReferences'>;
  readonly spec: Lease['spec'];
}

export const leaseName = (pool: string, lease: string): string => `${pool}-${lease}`;

/** The part of the name after the pool's: undefined for a Lease that is none of this pool. */
export function leaseIdOf(pool: string, { metadata: { name } }: Lease): string | undefined {
  const id = name.startsWith(`${pool}-`) ? name.slice(pool.length + 1) : '';
  return /^[0-9a-f]{32}(-[1-9][0-9]{0,3})?$/.test(id) ? id : undefined;
}

/** Without a holder, it waits for a worker. */
export const makeLease = (pool: Pool, claim: Claim, holder: Holder | undefined, now: Date): NewLease => ({
  metadata: {
    name: leaseName(pool.metadata.name, claim.lease),
    namespace: pool.metadata.namespace,
    labels: {
      [LABELS.managedBy]: MANAGED_BY,
      [LABELS.workerPool]: pool.metadata.name,
      [LABELS.poolUID]: pool.metadata.uid,
      [LABELS.domain]: claim.domain,
    },
    annotations: {
      [LEASE_ANNOTATIONS.principal]: claim.principal,
      [LEASE_ANNOTATIONS.issuedAt]: new Date(claim.issuedAtMs).toISOString(),
      [LEASE_ANNOTATIONS.token]: claim.token,
      [LEASE_ANNOTATIONS.gateway]: claim.gateway,
      ...workerUid(holder),
      [LEASE_ANNOTATIONS.shared]: String(pool.spec.workers?.sharing === 'Pool'),
    },
    ownerReferences: [ownerReference(pool)],
  },
  spec: {
    holderIdentity: holder === undefined ? '' : formatHolder(holder),
    leaseDurationSeconds,
    acquireTime: formatMicroTime(now),
    renewTime: formatMicroTime(now),
    leaseTransitions: 0,
  },
});

/** Goes with its pool. */
const ownerReference = ({ metadata: { name, uid } }: Pool) => ({
  apiVersion: STORAGE_API_VERSION,
  kind: KINDS.pool.kind,
  name,
  uid,
  controller: true,
});

export const withHolder = (lease: Lease, holder: Holder, now: Date): Lease => ({
  ...withWorkerUid(lease, holder),
  spec: {
    ...lease.spec,
    holderIdentity: formatHolder(holder),
    acquireTime: formatMicroTime(now),
    renewTime: formatMicroTime(now),
    leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1,
  },
});

/** So that who saw another worker of that name has seen an older Lease. */
export function withWorkerUid(lease: Lease, holder: Pick<Holder, 'uid'>): Lease {
  const others = Object.entries(lease.metadata.annotations ?? {}).filter(
    ([name]) => name !== LEASE_ANNOTATIONS.workerUID,
  );
  const annotations = { ...Object.fromEntries(others), ...workerUid(holder) };
  return { ...lease, metadata: { ...lease.metadata, annotations } };
}

const workerUid = (holder: Pick<Holder, 'uid'> | undefined): Record<string, string> =>
  holder?.uid === undefined ? {} : { [LEASE_ANNOTATIONS.workerUID]: holder.uid };

export const renewed = (lease: Lease, now: Date): Lease => ({
  ...lease,
  spec: { ...lease.spec, renewTime: formatMicroTime(now) },
});

const formatHolder = ({ namespace, name }: WorkerKey): string => `${namespace}/${name}`;

/** metav1.MicroTime */
const formatMicroTime = (time: Date): string => time.toISOString().replace('Z', '000Z');

/** The worker that the Lease names; undefined where it waits for one. */
export function holderOf(lease: Lease): Holder | undefined {
  const { holderIdentity = '' } = lease.spec;
  const [namespace = '', name = ''] = holderIdentity.split('/');
  const uid = annotation(lease, LEASE_ANNOTATIONS.workerUID);
  return namespace === '' || name === '' ? undefined : { namespace, name, uid };
}

const renewedAtMs = ({ spec: { renewTime = '' } }: Lease): number => Date.parse(renewTime);

/** A Lease whose time can't be read is over: nobody would ever end it otherwise. */
export const expiresAtMs = (lease: Lease): number => (renewedAtMs(lease) || 0) + leaseDurationSeconds * 1000;

export const isExpired = (lease: Lease, now: Date): boolean => expiresAtMs(lease) <= now.getTime();

/** Whether it was not written for a while, or is from the future of another clock. */
export const isRenewalDue = (lease: Lease, now: Date): boolean =>
  !(Math.abs(now.getTime() - renewedAtMs(lease)) < minRenewalAgeMs);

export const transitionedAtMs = ({ spec: { acquireTime = '' } }: Lease): number => Date.parse(acquireTime) || 0;

const annotation = ({ metadata: { annotations = {} } }: Lease, name: string): string | undefined =>
  Object.hasOwn(annotations, name) ? annotations[name] : undefined;

export const principalOf = (lease: Lease): string => annotation(lease, LEASE_ANNOTATIONS.principal) ?? '';
export const gatewayOf = (lease: Lease): string | undefined => annotation(lease, LEASE_ANNOTATIONS.gateway);
export const domainOf = ({ metadata: { labels = {} } }: Lease): string | undefined => labels[LABELS.domain];
export const isShared = (lease: Lease): boolean => annotation(lease, LEASE_ANNOTATIONS.shared) === 'true';
/** Of the certificate; the start of time where it can't be read, so that any revocation ends the lease. */
export const issuedAtMsOf = (lease: Lease): number =>
  Date.parse(annotation(lease, LEASE_ANNOTATIONS.issuedAt) ?? '') || 0;

/** A pool made anew under its old name has none of the leases of the one before. */
export const isOfPool = ({ metadata: { labels = {} } }: Lease, pool: Pool): boolean =>
  labels[LABELS.poolUID] === pool.metadata.uid;
