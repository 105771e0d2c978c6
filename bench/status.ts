/** How soon a pool's status says what happened to a worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../adapters/kube/client.ts';
import { ourObjectPath } from '../adapters/kube/paths.ts';
import { STORAGE_API_VERSION, KINDS, SYSTEM_NAMESPACE } from '../api/names.ts';
import { followPools, type Follower } from './follow-pools.ts';
import { percentile } from './percentile.ts';
import type { Bench, Measurement } from './measurement.ts';
import { measureScale } from './status-scale.ts';

const pool = { namespace: SYSTEM_NAMESPACE, name: 'bench-status' };
const worker = { namespace: SYSTEM_NAMESPACE, name: 'bench-worker' };

/** Between two changes: a modest rate, and time for what one of them caused to be over. */
const pauseMs = 80;

export const status: Bench = async ({ quick, workers, withStack }) => [
  ...(await withStack((_stack, kube) => compare(kube, quick ? 15 : 300))),
  ...(quick ? [] : await measureScale(workers)),
];

/** Changes of a worker and bare writes of the pool's status, in turns. */
async function compare(kube: KubeClient, changes: number): Promise<Measurement[]> {
  await create(kube, KINDS.pool, { metadata: pool, spec: {} });
  await create(kube, KINDS.worker, { metadata: worker, spec: { poolRef: pool } });
  const watching = new AbortController();
  const follower = await followPools(kube, watching.signal);
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let change = 0; change < changes; change++) {
    await sleep(pauseMs);
    ours.push(await timeChange(kube, follower, change % 2 === 0 ? 'Idle' : 'Allocated'));
    await sleep(pauseMs);
    bare.push(await timeBareWrite(kube, follower, new Date(change * 1000).toISOString()));
  }
  watching.abort();
  return [makeMeasurement(ours, bare, 50, 50), makeMeasurement(ours, bare, 99, 250)];
}

function makeMeasurement(ours: number[], bare: number[], p: number, mostAddedMs: number): Measurement {
  const value = percentile(ours, p);
  const peerValue = percentile(bare, p);
  return {
    name: 'status',
    metric: `change of a worker to status of its pool, p${p}`,
    value,
    unit: 'ms',
    peer: 'bare write of the status',
    peerValue,
    goal: `<= ${mostAddedMs} ms added`,
    holds: value - peerValue <= mostAddedMs,
  };
}

const create = async (kube: KubeClient, { kind, plural }: (typeof KINDS)['pool' | 'worker'], object: Created) =>
  await kube.call({
    method: 'POST',
    path: `/apis/${STORAGE_API_VERSION}/namespaces/${object.metadata.namespace}/${plural}`,
    body: { apiVersion: STORAGE_API_VERSION, kind, ...object },
  });

interface Created {
  readonly metadata: typeof pool;
  readonly spec: object;
}

/** From the moment the change of the worker is accepted until a watch shows the status that counts it. */
async function timeChange(kube: KubeClient, follower: Follower, phase: 'Idle' | 'Allocated'): Promise<number> {
  const state = phase === 'Idle' ? 'idle' : 'allocated';
  const visibleAt = follower.waitFor(pool, ({ workers }) => workers?.[state] === 1);
  await patchStatus(kube, ourObjectPath(KINDS.worker.plural, { ...worker, subresource: 'status' }), { phase });
  const accepted = performance.now();
  return (await visibleAt) - accepted;
}

/** From the moment the write is sent until a watch shows it. */
async function timeBareWrite(kube: KubeClient, follower: Follower, lastActivityTime: string): Promise<number> {
  const visibleAt = follower.waitFor(pool, (written) => written.lastActivityTime === lastActivityTime);
  const sent = performance.now();
  const path = ourObjectPath(KINDS.pool.plural, { ...pool, subresource: 'status' });
  await patchStatus(kube, path, { lastActivityTime });
  return (await visibleAt) - sent;
}

const patchStatus = async (kube: KubeClient, path: string, fields: object) =>
  await kube.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { status: fields } });
