/** What the references to one pool are judged by. No I/O. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Labels } from '../access/label-selector.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../pool-reference.ts';
import type { Lease, Pod } from './cluster-objects.ts';
import type { FoundPod } from './pod-state.ts';

export interface Observed {
  readonly key: PoolKey;
  readonly pool: Pool | undefined;
  /** May hold workers of pools that have the same name in other namespaces. */
  readonly workers: readonly Worker[];
  /** Labels of the namespaces of `namespacesToRead` that exist. */
  readonly labels: ReadonlyMap<string, Labels>;
  /** By UID of the worker; undefined where no Pods are made. */
  readonly found?: ReadonlyMap<string, FoundPod> | undefined;
}

/** All that lifecycle decides by. */
export interface ObservedPool extends Observed {
  /** Of the workers of the pool, in every namespace. */
  readonly pods: readonly Pod[];
  /** Of the pool, in its namespace. */
  readonly leases: readonly Lease[];
  /** The hash of what Pods of workers are made of now. */
  readonly templateHash?: string | undefined;
}

/** The workers that refer to the pool and stay. One that is being deleted is left to whoever deletes it. */
export const referringWorkers = ({ key, workers }: Pick<Observed, 'key' | 'workers'>): readonly Worker[] =>
  workers.filter(
    (worker) =>
      worker.metadata.deletionTimestamp === undefined && formatPoolKey(poolOfWorker(worker)) === formatPoolKey(key),
  );

/** The namespaces whose labels decide whether a worker is let in: those of guests, where the grant is a selector. */
export function namespacesToRead(observed: Omit<Observed, 'labels'>): readonly string[] {
  if (observed.pool?.spec.access?.workers?.namespaces?.from !== 'Selector') return [];
  const namespaces = new Set(referringWorkers(observed).map(({ metadata }) => metadata.namespace));
  namespaces.delete(observed.key.namespace);
  return [...namespaces];
}
