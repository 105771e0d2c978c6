/** Makes, changes and deletes the Pods of workers, and what stands beside them in their namespaces. */
import { maxParallelWorkerCalls } from '../../api/limits/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { makeBuildkitConfig } from '../../core/lifecycle/buildkit-config.ts';
import type { Lease, Pod } from '../../core/lifecycle/cluster-objects.ts';
import { workerObjectsName, type KubeObject } from '../../core/lifecycle/objects.ts';
import type { Observed, ObservedPool } from '../../core/lifecycle/observed.ts';
import { findPod, planPods, type PodPlan } from '../../core/lifecycle/pods.ts';
import type { FoundPod } from '../../core/lifecycle/pod-state.ts';
import type { Reviews } from '../../core/lifecycle/reviews.ts';
import type { LifecycleSettings } from '../../core/lifecycle/settings.ts';
import {
  describeTemplate,
  makeLeasePatch,
  makeWorkerPod,
  makeWorkersBudget,
  makeWorkersPolicy,
} from '../../core/lifecycle/worker-objects.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Result } from '../../core/result.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import type { PoolKey } from '../../core/pool-reference.ts';

export interface PodPorts {
  readonly settings: LifecycleSettings;
  readonly parseToml: (text: string) => Result<JsonObject, { readonly line: number; readonly column: number }>;
  readonly formatToml: (document: JsonObject) => string;
  /** SHA-256, lower-case hexadecimal. */
  readonly sha256: (text: string) => string;
  readonly listPods: (key: PoolKey) => Promise<readonly Pod[]>;
  readonly listLeases: (key: PoolKey) => Promise<readonly Lease[]>;
  readonly createPod: (object: KubeObject, workerUid: string) => Promise<FoundPod>;
  readonly deletePod: (pod: Pod) => Promise<void>;
  readonly patchPod: (pod: Pod, patch: { readonly metadata: object }) => Promise<void>;
  readonly applyObject: (
    object: KubeObject,
    ownerUid: string | undefined,
  ) => Promise<'applied' | 'conflict' | 'unavailable'>;
  /** What stands beside the workers of a pool, in every namespace but those to keep. */
  readonly removeWorkerObjects: (
    pool: Pool,
    options: { readonly name: string; readonly keep: ReadonlySet<string> },
  ) => Promise<void>;
  readonly now: () => Date;
}

/** What there is of Pods and leases, the Pods as they are once the plan is carried out. */
export interface BroughtUp extends ObservedPool {
  readonly found: ReadonlyMap<string, FoundPod>;
  readonly nextDueAt: Date | undefined;
}

/** @throws when something could not be read or written. */
export async function bringUpPods(
  ports: PodPorts,
  observed: Observed,
  reviews: Reviews | undefined,
): Promise<BroughtUp> {
  // Workers were listed before: a worker's lease that is not among the leases is over.
  const [pods, leases] = await Promise.all([ports.listPods(observed.key), ports.listLeases(observed.key)]);
  const parts = observed.pool && prepare(ports, observed.pool);
  const whole = { ...observed, pods, leases, templateHash: parts?.templateHash };
  const planned = planPods(whole, reviews, ports.now());
  const made = await carryOut(ports, planned, parts);
  const found = new Map(
    observed.workers.map((worker): [string, FoundPod] => {
      const pod = findPod(whole, worker);
      return [worker.metadata.uid, made.get(worker) ?? (pod && { pod })];
    }),
  );
  return { ...whole, found, nextDueAt: planned.nextDueAt };
}

/** What the Pods of all workers of a pool are made of. */
interface Parts {
  readonly pool: Pool;
  readonly config: string;
  readonly templateHash: string;
}

function prepare({ settings, parseToml, formatToml, sha256 }: PodPorts, pool: Pool): Parts {
  const written = parseToml(pool.spec.workers?.config ?? '');
  // Admission refuses what is no TOML; what came past it counts as nothing.
  const config = formatToml(makeBuildkitConfig(pool, written.ok ? written.value : {}));
  return { pool, config, templateHash: sha256(describeTemplate(pool, config, settings)).slice(0, 16) };
}

async function carryOut(
  ports: PodPorts,
  planned: PodPlan,
  parts: Parts | undefined,
): Promise<ReadonlyMap<Worker, FoundPod>> {
  const made = new Map<Worker, FoundPod>();
  if (parts !== undefined && planned.create.length > 0) {
    const { pool, config, templateHash } = parts;
    await protect(ports, pool, new Set(planned.create.map(({ metadata }) => metadata.namespace)));
    await forEachAtOnce(planned.create, maxParallelWorkerCalls, async (worker) => {
      const pod = makeWorkerPod({ pool, worker, config, templateHash }, ports.settings);
      made.set(worker, await ports.createPod(pod, worker.metadata.uid));
    });
  }
  await forEachAtOnce(planned.relabel, maxParallelWorkerCalls, ({ pod, worker }) =>
    ports.patchPod(pod, makeLeasePatch(worker)),
  );
  await forEachAtOnce(planned.delete, maxParallelWorkerCalls, ports.deletePod);
  return made;
}

/** Before there is a Pod, nobody but its gateway may reach it. */
async function protect(ports: PodPorts, pool: Pool, namespaces: ReadonlySet<string>): Promise<void> {
  const objects = [...namespaces].flatMap((namespace) => [
    makeWorkersPolicy(pool, namespace),
    makeWorkersBudget(pool, namespace),
  ]);
  await forEachAtOnce(objects, maxParallelWorkerCalls, async (object) => {
    if ((await ports.applyObject(object, undefined)) === 'applied') return;
    const { kind, metadata } = object;
    throw new Error(`${kind} ${metadata.namespace}/${metadata.name}: there is one that is not ours`);
  });
}

/** Those in namespaces without workers of the pool. @throws when something could not be read or written. */
export const tidyWorkerObjects = (ports: PodPorts, pool: Pool, workers: readonly Worker[]): Promise<void> =>
  ports.removeWorkerObjects(pool, {
    name: workerObjectsName(pool),
    keep: new Set(workers.map(({ metadata }) => metadata.namespace)),
  });
