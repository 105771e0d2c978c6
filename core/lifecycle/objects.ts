/** What every object has that lifecycle makes: made here, not inserted. No I/O. */
import { KINDS, LABELS, MANAGED_BY, STORAGE_API_VERSION } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { PoolKey } from '../pool-reference.ts';
import type { OwnerReference } from './cluster-objects.ts';

/** An object as it is written. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly [field: string]: unknown;
}

export const managedLabels = { [LABELS.managedBy]: MANAGED_BY } as const;

/** Goes with the pool. */
export const ownedByPool = ({ metadata: { name, uid } }: Pool): readonly OwnerReference[] => [
  { apiVersion: STORAGE_API_VERSION, kind: KINDS.pool.kind, name, uid, controller: true },
];

/** Goes with the worker. */
export const ownedByWorker = ({ metadata: { name, uid } }: Worker): readonly OwnerReference[] => [
  { apiVersion: STORAGE_API_VERSION, kind: KINDS.worker.kind, name, uid, controller: true },
];

/** By which the Pods of the workers of a pool are selected, in whichever namespace they are. */
export const workerPoolLabels = ({ name, namespace }: PoolKey) => ({
  [LABELS.workerPool]: name,
  [LABELS.workerPoolNamespace]: namespace,
});

/** Where workers have their keys signed. No other pool's Service is called so: its name would have this pool's UID. */
export const keysServiceName = ({ metadata: { name, uid } }: Pool): string => `${name}-${uid.slice(0, 8)}`;

/** What stands beside the workers of a pool in one namespace; another pool of that name may have workers there, too. */
export const workerObjectsName = ({ metadata: { name, uid } }: Pool): string => `${name}-workers-${uid.slice(0, 8)}`;

/** Only what is defined. */
export const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
