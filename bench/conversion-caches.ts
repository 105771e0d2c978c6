/** How soon v1alpha1 shows what was written in v1beta1, and what is stored when the apiserver starts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type KubeClient } from '../adapters/kube/client.ts';
import { listAll } from '../adapters/kube/list.ts';
import { GROUP, KINDS, OLD_VERSION, STORAGE_VERSION, type Version } from '../api/names.ts';
import type { Worker } from '../api/v1beta1/worker.ts';
import type { Stack } from '../dev/stack.ts';
import { percentile } from './percentile.ts';
import type { Measurement } from './measurement.ts';
import { createWorker, register, timeEach } from './workers.ts';

const mostVisibleMs = 50;
const mostReadySeconds = 30;

/** Enough that the apiserver is the limit, few enough that it answers all of them in time. */
const creators = 16;

const keepNothing = (): undefined => undefined;

const pathOf = (version: Version): string => `/apis/${GROUP}/${version}/${KINDS.worker.plural}`;

/** From the moment a create is sent until a watch of each version shows the worker, one worker after another. */
export async function compareWatches(kube: KubeClient, count: number): Promise<Measurement[]> {
  const watching = new AbortController();
  const [old, stored] = await Promise.all([
    followWorkers(kube, OLD_VERSION, watching.signal),
    followWorkers(kube, STORAGE_VERSION, watching.signal),
  ]);
  const times: Record<Version, number[]> = { v1alpha1: [], v1beta1: [] };
  for (let made = 0; made < count; made++) {
    const name = `seen-${made}`;
    const begin = performance.now();
    const visible = [old(name), stored(name)] as const;
    await createWorker(kube, name);
    times.v1alpha1.push((await visible[0]) - begin);
    times.v1beta1.push((await visible[1]) - begin);
  }
  watching.abort();
  return ([50, 99] as const).map((p) => makeWatchMeasurement(times, p));
}

function makeWatchMeasurement(times: Readonly<Record<Version, number[]>>, p: number): Measurement {
  const value = percentile(times.v1alpha1, p);
  return {
    name: 'conversion',
    metric: `create in v1beta1 to a watch of v1alpha1, p${p}`,
    value,
    unit: 'ms',
    peer: 'to a watch of v1beta1',
    peerValue: percentile(times.v1beta1, p),
    goal: `<= ${mostVisibleMs} ms`,
    holds: value <= mostVisibleMs,
  };
}

/** Waits for a worker of that name; resolves with when it was seen, in milliseconds of `performance.now()`. */
async function followWorkers(
  kube: KubeClient,
  version: Version,
  signal: AbortSignal,
): Promise<(name: string) => Promise<number>> {
  const { metadata } = await listWorkers(kube, version);
  const waiting = new Map<string, (visible: number) => void>();
  const follow = async (): Promise<void> => {
    const query = { watch: 'true', resourceVersion: metadata.resourceVersion };
    for await (const line of kube.lines({ path: pathOf(version), query }, signal)) {
      waiting.get((line as { object: Worker }).object.metadata.name)?.(performance.now());
    }
  };
  follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return (name) =>
    new Promise((resolve) => {
      waiting.set(name, resolve);
    });
}

/** From the moment a restarted apiserver is ready until it lists all workers in each version from its caches. */
export async function compareCaches(stack: Stack, kube: KubeClient, count: number): Promise<Measurement> {
  await register(stack, kube, { operations: ['UPDATE'], isStamping: false });
  await timeEach(count, creators, () => createWorker(kube));
  const stored = (await listAll(kube, { path: pathOf(STORAGE_VERSION) }, keepNothing)).items.length;
  await stack.controlPlane.restart('kube-apiserver');
  const begin = performance.now();
  const waitFor = async (version: Version): Promise<number> => {
    while ((await listWorkers(kube, version)).items.length !== stored) await sleep(20);
    return (performance.now() - begin) / 1000;
  };
  const [value, peerValue] = await Promise.all([waitFor(OLD_VERSION), waitFor(STORAGE_VERSION)]);
  return {
    name: 'conversion',
    metric: `restart of the apiserver to a list of ${stored} v1alpha1 workers`,
    value,
    unit: 's',
    peer: 'of v1beta1 workers',
    peerValue,
    goal: `<= ${mostReadySeconds} s`,
    holds: value <= mostReadySeconds,
  };
}

interface Listed {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly unknown[];
}

/** From the cache. Asks until it is there: after a change of a CRD and after a restart it is made anew. */
async function listWorkers(kube: KubeClient, version: Version): Promise<Listed> {
  for (;;) {
    try {
      return (await kube.call({ path: pathOf(version), query: { resourceVersion: '0' } })) as Listed;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      await sleep(20);
    }
  }
}
