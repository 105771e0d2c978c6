/** The objects that lifecycle makes of pools and workers: reads and writes them. */
import { FIELD_MANAGERS, LABELS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { NewWorker } from '../../core/allocation/worker.ts';
import type { Lease, OwnedMeta, Pod } from '../../core/lifecycle/cluster-objects.ts';
import { isControlledBy } from '../../core/lifecycle/cluster-objects.ts';
import { managedLabels, workerPoolLabels, type KubeObject } from '../../core/lifecycle/objects.ts';
import type { FoundPod } from '../../core/lifecycle/pod-state.ts';
import { WORKER_REASONS } from '../../core/lifecycle/reasons.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { keepIdentity } from './lean.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { leases, workers } from './resources.ts';
import { objectPath, podPath, podsPath, type ObjectPath } from './paths.ts';

type Calls = Pick<KubeClient, 'call'>;

/** Every one throws KubeError when the apiserver can't say or refuses. */
export const createLifecycleObjects = (kube: Calls) => ({
  listPods: (key: PoolKey) => listWorkerPods(kube, key),
  listLeases: (key: PoolKey) => listWorkerLeases(kube, key),
  createPod: (object: KubeObject, workerUid: string) => createPod(kube, object, workerUid),
  deletePod: (pod: Pod) => deletePod(kube, pod),
  patchPod: (pod: Pod, patch: { readonly metadata: object }) => patchPod(kube, pod, patch),
  applyObject: (object: KubeObject, ownerUid: string | undefined) => applyObject(kube, object, ownerUid),
  deleteObject: (object: KubeObject, ownerUid: string) => deleteObject(kube, object, ownerUid),
  deleteLease: ({ metadata }: Lease) => deleted(leases(kube).delete(metadata, onlyAsRead(metadata))),
  deleteWorker: ({ metadata }: Worker) => deleted(workers(kube).delete(metadata, onlyAsRead(metadata))),
  releaseWorker: (worker: Worker, now: Date) => releaseWorker(kube, worker, now),
  createWorker: (worker: NewWorker) => createWorker(kube, worker),
  removeWorkerObjects: (pool: Pool, options: Parameters<typeof removeWorkerObjects>[2]) =>
    removeWorkerObjects(kube, pool, options),
});

const formatLabels = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join();

/** Of the workers of a pool, in every namespace. @throws {KubeError} */
async function listWorkerPods(kube: Calls, key: PoolKey): Promise<readonly Pod[]> {
  const call = { path: podsPath(), labelSelector: formatLabels(workerPoolLabels(key)) };
  const { items } = await listAll<Pod, Pod>(kube, call, ({ metadata, status }) => ({
    metadata: keepOwned(metadata),
    ...(status === undefined ? {} : { status }),
  }));
  return items;
}

/** Of the workers of a pool. @throws {KubeError} */
async function listWorkerLeases(kube: Calls, { namespace, name }: PoolKey): Promise<readonly Lease[]> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const call = { path, labelSelector: `${LABELS.workerPool}=${name}` };
  const { items } = await listAll<Lease, Lease>(kube, call, ({ metadata, spec }) => ({
    metadata: keepOwned(metadata),
    spec,
  }));
  return items;
}

const keepOwned = (metadata: OwnedMeta): OwnedMeta => {
  const { labels, annotations, ownerReferences } = metadata;
  return {
    ...(annotations === undefined ? {} : { annotations }),
    ...keepIdentity(metadata),
    ...(labels === undefined ? {} : { labels }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
};

/** The Pod that was made; or the one that is there, where it is the worker's; or why there is none. @throws {KubeError} */
async function createPod(kube: Calls, object: KubeObject, workerUid: string): Promise<FoundPod> {
  const { namespace, name } = object.metadata;
  try {
    return { pod: (await kube.call({ method: 'POST', path: podsPath(namespace), body: object })) as Pod };
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 403 && error.status !== 409 && error.status !== 422)) {
      throw error;
    }
    if (error.status !== 409) return { refusal: readRefusal(error) };
    const pod = (await orUndefined(kube.call({ path: podPath({ namespace, name }) }))) as Pod | undefined;
    if (pod === undefined || isControlledBy(pod.metadata, workerUid)) return pod === undefined ? undefined : { pod };
    return { refusal: { reason: WORKER_REASONS.nameConflict, message: `a Pod ${name} is there that is not ours` } };
  }
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [/exceeded quota|must specify .* for: /, WORKER_REASONS.quota],
  [/violates PodSecurity/, WORKER_REASONS.podSecurity],
];

/** Admission says why in words alone. */
function readRefusal({ message }: KubeError): { readonly reason: string; readonly message: string } {
  const [, reason = WORKER_REASONS.podRefused] = refusals.find(([words]) => words.test(message)) ?? [];
  return { reason, message: message.slice(0, 1024) };
}

/** Only if it is still the same Pod. @throws {KubeError} */
async function deletePod(kube: Calls, { metadata: { uid, ...key } }: Pod): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
  await ignoringGone(kube.call({ method: 'DELETE', path: podPath(key), body }));
}

/** @throws {KubeError} */
async function patchPod(
  kube: Calls,
  { metadata: { uid, ...key } }: Pod,
  patch: { readonly metadata: object },
): Promise<void> {
  const body = { metadata: { uid, ...patch.metadata } };
  await ignoringGone(
    kube.call({ method: 'PATCH', path: podPath(key), contentType: 'application/merge-patch+json', body }),
  );
}

/** 409: another has its name by now, or it was written meanwhile, of which we hear. */
async function ignoringGone(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

const plurals: Readonly<Record<string, string>> = {
  ServiceAccount: 'serviceaccounts',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  Service: 'services',
  NetworkPolicy: 'networkpolicies',
  PodDisruptionBudget: 'poddisruptionbudgets',
  Ingress: 'ingresses',
  TLSRoute: 'tlsroutes',
};

const pathOf = ({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>, object: ObjectPath): string =>
  objectPath(apiVersion, plurals[kind] ?? '', object);

/**
 * `conflict`: an object of that name is there that is not ours, and stays as it is. `unavailable`: the cluster has no such
 * kind, or the install gives no right to it.
 */
export type AppliedObject = 'applied' | 'conflict' | 'unavailable';

/** What an installation may do without. */
const isOptional = ({ kind }: KubeObject): boolean => kind === 'TLSRoute';

/**
 * Server-side apply, of what is ours or not there. `ownerUid` is of the pool in whose namespace the object is; elsewhere
 * our labels say whose it is, which nobody but us has a use for. @throws {KubeError}
 */
async function applyObject(kube: Calls, object: KubeObject, ownerUid: string | undefined): Promise<AppliedObject> {
  const path = pathOf(object, object.metadata);
  const found = (await orUndefined(kube.call({ path }))) as { readonly metadata: OwnedMeta } | undefined;
  if (found !== undefined && !isOurs(found.metadata, object, ownerUid)) return 'conflict';
  // The policy of the install refuses the write where somebody else made one meanwhile.
  const uid = found === undefined ? {} : { uid: found.metadata.uid };
  await kube.call({
    method: 'PATCH',
    path,
    query: { fieldManager: FIELD_MANAGERS.lifecycle, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: { ...object, metadata: { ...object.metadata, ...uid } },
  });
  return 'applied';
}

/** Of ours alone: what somebody else made under that name stays. */
async function deleteObject(kube: Calls, object: KubeObject, ownerUid: string): Promise<void> {
  try {
    await deleteOwn(kube, object, ownerUid);
  } catch (error) {
    if (!isOptional(object) || !(error instanceof KubeError) || error.status !== 403) throw error;
  }
}

async function deleteOwn(kube: Calls, object: KubeObject, ownerUid: string): Promise<void> {
  const path = pathOf(object, object.metadata);
  const found = (await orUndefined(kube.call({ path }))) as { readonly metadata: OwnedMeta } | undefined;
  if (found === undefined || !isControlledBy(found.metadata, ownerUid)) return;
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: found.metadata.uid } };
  await ignoringGone(kube.call({ method: 'DELETE', path, body }));
}

const isOurs = (found: OwnedMeta, { metadata }: KubeObject, ownerUid: string | undefined): boolean =>
  ownerUid === undefined
    ? Object.entries(metadata.labels).every(([key, value]) => found.labels?.[key] === value)
    : isControlledBy(found, ownerUid);

const workerKinds = [
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
];

/** What stands beside the workers of a pool, in every namespace but those to keep. @throws {KubeError} */
async function removeWorkerObjects(
  kube: Calls,
  pool: Pool,
  { name, keep }: { readonly name: string; readonly keep: ReadonlySet<string> },
): Promise<void> {
  const labelSelector = formatLabels({ ...managedLabels, ...workerPoolLabels(pool.metadata) });
  for (const type of workerKinds) {
    const path = `/apis/${type.apiVersion}/${plurals[type.kind] ?? ''}`;
    const { items } = await listAll<{ metadata: OwnedMeta }, OwnedMeta>(
      kube,
      { path, labelSelector },
      ({ metadata }) => metadata,
    );
    for (const { namespace, uid, name: found } of items) {
      if (found !== name || keep.has(namespace)) continue;
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      await ignoringGone(kube.call({ method: 'DELETE', path: pathOf(type, { namespace, name }), body }));
    }
  }
}

type Written = 'written' | 'stale' | 'gone';

const onlyAsRead = ({ uid, resourceVersion }: OwnedMeta) => ({ preconditions: { uid, resourceVersion } });

const deleted = (answer: Promise<boolean>): Promise<Written> =>
  orStale(answer.then((isThere) => (isThere ? 'written' : 'gone')));

async function orStale(written: Promise<Written>): Promise<Written> {
  try {
    return await written;
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 409)) throw error;
    return error.status === 409 ? 'stale' : 'gone';
  }
}

/** And notes when it was used last, from which its idle time counts. */
async function releaseWorker(kube: Calls, { metadata }: Worker, now: Date): Promise<Written> {
  const { resourceVersion } = metadata;
  const change = {
    metadata: { resourceVersion, labels: { [LABELS.lease]: null, [LABELS.leaseUID]: null } },
    spec: { lease: null },
  };
  const released = await orStale(
    workers(kube)
      .patch(metadata, change)
      .then(() => 'written' as const),
  );
  if (released !== 'written') return released;
  const lastActivityAt = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const noted = workers(kube).patch(metadata, { status: { lastActivityAt } }, { subresource: 'status' });
  return await orStale(noted.then(() => 'written' as const));
}

/** `refused`: a quota or admission keeps it from being; `exists`: somebody else made it meanwhile. */
async function createWorker(kube: Calls, worker: NewWorker): Promise<'written' | 'exists' | 'refused'> {
  try {
    await workers(kube).create(worker);
    return 'written';
  } catch (error) {
    if (!(error instanceof KubeError) || ![403, 409, 422].includes(error.status)) throw error;
    return error.status === 409 ? 'exists' : 'refused';
  }
}
