/** Many workers in many pools, with the bundles of `status` and of the bridge beside them, each in a process of its own. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../adapters/kube/client.ts';
import { ourObjectPath } from '../adapters/kube/paths.ts';
import {
  KINDS,
  METRICS,
  METRICS_PATH,
  STATUS_EVENTS_PATH,
  STORAGE_API_VERSION,
  SYSTEM_NAMESPACE,
  WEBHOOK_CONFIGURATION,
} from '../api/names.ts';
import { forEachAtOnce } from '../core/parallel.ts';
import { makeResync } from '../core/events/make.ts';
import { createAudit, type AuditedCall } from '../dev/audit.ts';
import { bundle } from '../dev/build.ts';
import { findFreePort, type Child } from '../dev/child.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { bridgePart, bridgeUser, statusPart, type Part } from '../dev/parts.ts';
import { bringUp, type Stack } from '../dev/stack.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { connectAsAdministrator } from './stack.ts';

/** Enough that the apiserver is the limit, few enough that it answers all of them in time. */
const creators = 32;
const namespaceCount = 100;

export interface Sizes {
  readonly pools: number;
  readonly workers: number;
  /** Workers of one more pool. */
  readonly burst: number;
}

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

export interface World {
  readonly stack: Stack;
  readonly kube: KubeClient;
  readonly startStatus: () => Promise<Child>;
  readonly startBridge: () => Promise<Child>;
  /** What `status` asked of the apiserver so far. */
  readonly readCalls: () => Promise<readonly AuditedCall[]>;
  /** Events that the bridge, which must run, has not delivered yet. */
  readonly countUndelivered: () => Promise<number>;
  /** Asks for a resync. @returns the status of the answer. */
  readonly ping: () => Promise<number>;
}

export const poolOf = (index: number): Named => ({
  namespace: `bench-${index % namespaceCount}`,
  name: `bench-pool-${index}`,
});

/** In the namespace next to that of its pool. */
export const workerOf = (index: number, { pools }: Sizes): Named => ({
  namespace: `bench-${((index % pools) + 1) % namespaceCount}`,
  name: `bench-worker-${index}`,
});

export const burstPool: Named = { namespace: 'bench-0', name: 'bench-burst' };
export const burstWorker = (index: number): Named => ({ namespace: 'bench-1', name: `bench-burst-${index}` });

export async function withWorld<T>(sizes: Sizes, work: (world: World) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-status-'));
  const watchdog = createWatchdog();
  try {
    await bundle(join(folder, 'dist'));
    const port = await findFreePort();
    const audit = await createAudit(folder, [`system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-status`]);
    const stack = await bringUp({ folder, port, apiserverFlags: audit.flags, parts: () => [], watch: watchdog.watch });
    const kube = makePatient(await connectAsAdministrator(stack, join(folder, 'administrator')));
    const other = await startOther();
    try {
      await createObjects(stack, kube, sizes);
      const settings = {
        mounts: stack.mounts,
        kubeUrl: stack.controlPlane.url,
        port,
        bridgePort: await findFreePort(),
      };
      const bundled = (part: Part): Part => ({ ...part, file: join(folder, `dist/${part.name}.mjs`) });
      const bridge = bridgePart(settings);
      const metricsPort = await findFreePort();
      const environment = { ...bridge.environment, METRICS_PORT: String(metricsPort), LIFECYCLE_URL: other.url };
      return await work({
        stack,
        kube,
        startStatus: () => stack.launch(bundled(statusPart(settings, [bridgeUser]))),
        startBridge: () => stack.launch(bundled({ ...bridge, environment })),
        readCalls: audit.read,
        countUndelivered: () => countUndelivered(metricsPort),
        ping: () => ping(stack),
      });
    } finally {
      other.close();
      kube.close();
      await stack.stop();
    }
  } finally {
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is measured is how long things take, not whether they are quick enough to be waited for. */
const makePatient = (kube: KubeClient): KubeClient => ({
  ...kube,
  call: (call) => kube.call({ timeoutMs: 60_000, ...call }),
});

/** Takes the events that are not for `status`. */
async function startOther() {
  const server = createServer((request, answer) => {
    request.resume();
    request.once('end', () => answer.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Without admission, of which bench/admission.ts tells the cost. */
async function createObjects({ kubectl }: Stack, kube: KubeClient, sizes: Sizes): Promise<void> {
  for (const kind of ['mutating', 'validating']) {
    await expectSuccess(kubectl, ['delete', `${kind}webhookconfiguration/${WEBHOOK_CONFIGURATION}`]);
  }
  const each = (count: number, create: (index: number) => Promise<unknown>) =>
    forEachAtOnce(Array(count).keys(), creators, async (index) => {
      await create(index);
    });
  await each(namespaceCount, (index) =>
    kube.call({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `bench-${index}` } },
    }),
  );
  const createPool = (pool: Named) => create(kube, KINDS.pool, { metadata: pool, spec: {} });
  const createWorker = (worker: Named, poolRef: Named) =>
    create(kube, KINDS.worker, { metadata: worker, spec: { poolRef } });
  await createPool(burstPool);
  await each(sizes.pools, (index) => createPool(poolOf(index)));
  await each(sizes.burst, (index) => createWorker(burstWorker(index), burstPool));
  await each(sizes.workers, (index) => createWorker(workerOf(index, sizes), poolOf(index % sizes.pools)));
  // One of each pool is ready, as in a pool that is in use: the changes that are measured are no changes of conditions.
  await each(sizes.pools, (index) => setPhase(kube, workerOf(index, sizes), 'Idle'));
}

export const setPhase = (kube: KubeClient, worker: Named, phase: 'Idle' | 'Allocated'): Promise<unknown> =>
  patchStatus(kube, ourObjectPath(KINDS.worker.plural, { ...worker, subresource: 'status' }), { phase });

export const patchStatus = (kube: KubeClient, path: string, status: object): Promise<unknown> =>
  kube.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { status } });

const create = (
  kube: KubeClient,
  { kind, plural }: (typeof KINDS)['pool' | 'worker'],
  object: { readonly metadata: Named; readonly spec: object },
): Promise<unknown> =>
  kube.call({
    method: 'POST',
    path: `/apis/${STORAGE_API_VERSION}/namespaces/${object.metadata.namespace}/${plural}`,
    body: { apiVersion: STORAGE_API_VERSION, kind, ...object },
  });

async function ping({ apiUrl, mounts }: Stack): Promise<number> {
  const { headers, body } = makeResync({ id: 'bench', source: 'bench' });
  const token = (await readFile(join(mounts, 'buildkit-bridge/audience-token'), 'utf8')).trim();
  const answer = await fetch(`${apiUrl}${STATUS_EVENTS_PATH}`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}` },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}

async function countUndelivered(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}${METRICS_PATH}`);
  const text = await answer.text();
  const counts = [...text.matchAll(new RegExp(`^${METRICS.undelivered}\\{[^}]*\\} (\\d+)$`, 'gm'))];
  if (counts.length === 0) throw new Error(`expected ${METRICS.undelivered} among the metrics of the bridge`);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * Resolves when every event is delivered, those that need no call of `status` among them, and it has asked nothing for a
 * second.
 */
export async function waitForQuiet({ readCalls, countUndelivered }: World): Promise<void> {
  for (let before = -1; ;) {
    const { length } = await readCalls();
    if (length === before && (await countUndelivered()) === 0) return;
    before = length;
    await sleep(1_000);
  }
}
