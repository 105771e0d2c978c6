/** Pools, workers and Leases as the apiserver gives them. */
import { LABELS, LEASE_ANNOTATIONS, MANAGED_BY } from '../../../api/names.ts';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import type { Lease } from '../../../core/lifecycle/cluster-objects.ts';

export const now = new Date('2026-01-02T12:00:00Z');
export const before = (ms: number): string => new Date(now.getTime() - ms).toISOString();
export const id = 'a'.repeat(32);
export const domain = 'd'.repeat(32);

export const makePool = (spec: Pool['spec'] = {}, metadata: Partial<Pool['metadata']> = {}): Pool => ({
  metadata: {
    namespace: 'pools',
    name: 'p',
    uid: 'pool-uid',
    resourceVersion: '1',
    creationTimestamp: before(48 * 3_600_000),
    ...metadata,
  },
  spec,
});

interface WorkerFields {
  readonly namespace?: string;
  readonly lease?: string;
  readonly domain?: string;
  readonly ageMs?: number;
  readonly isForeign?: boolean;
  readonly status?: Worker['status'];
}

export const makeWorker = (name: string, fields: WorkerFields = {}): Worker => ({
  metadata: {
    namespace: fields.namespace ?? 'pools',
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    creationTimestamp: before(fields.ageMs ?? 1000),
    labels: {
      ...(fields.isForeign === true ? {} : { [LABELS.managedBy]: MANAGED_BY }),
      ...(fields.domain === undefined ? {} : { [LABELS.domain]: fields.domain }),
      ...(fields.lease === undefined ? {} : { [LABELS.leaseUID]: fields.lease }),
    },
  },
  spec: {
    poolRef: { name: 'p', namespace: 'pools' },
    ...(fields.lease === undefined
      ? {}
      : { lease: { jobID: 'j', token: `sha256:${'0'.repeat(64)}`, acquiredAt: before(0) } }),
  },
  status: fields.status ?? { phase: 'Idle', podIP: '10.0.0.1' },
});

interface LeaseFields {
  readonly id?: string;
  readonly worker?: Worker;
  readonly renewedMs?: number;
  readonly domain?: string;
  readonly principal?: string;
  readonly gateway?: string;
  readonly poolUid?: string;
}

export const makeLease = (uid: string, fields: LeaseFields = {}): Lease => ({
  metadata: {
    namespace: 'pools',
    name: `p-${fields.id ?? id}`,
    uid,
    resourceVersion: '1',
    labels: { [LABELS.poolUID]: fields.poolUid ?? 'pool-uid', [LABELS.domain]: fields.domain ?? domain },
    annotations: {
      [LEASE_ANNOTATIONS.principal]: fields.principal ?? 'system:serviceaccount:tenant-a:default',
      [LEASE_ANNOTATIONS.issuedAt]: before(60_000),
      [LEASE_ANNOTATIONS.gateway]: fields.gateway ?? 'g',
      ...(fields.worker === undefined ? {} : { [LEASE_ANNOTATIONS.workerUID]: fields.worker.metadata.uid }),
    },
  },
  spec: {
    holderIdentity:
      fields.worker === undefined ? '' : `${fields.worker.metadata.namespace}/${fields.worker.metadata.name}`,
    acquireTime: before(fields.renewedMs ?? 0),
    renewTime: before(fields.renewedMs ?? 0),
  },
});
