/** A system that is tormented at random, from a seed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { KubeClient } from '../../adapters/kube/client.ts';
import { gatewayDeploymentName, gatewayServiceName, LABELS, MANAGED_BY, STATUS_EVENTS_PATH } from '../../api/names.ts';
import { connectAsAdministrator } from '../../bench/stack.ts';
import { bundle } from '../../dev/build.ts';
import { findFreePort, type Child } from '../../dev/child.ts';
import { bridgePart, bridgeUser, lifecyclePart, statusPart } from '../../dev/parts.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { createGateway, type Gateway } from './gateways.ts';
import { createObjects, type Key, type Objects } from './objects.ts';
import { openStorm, type Storm } from './storm.ts';

export interface WalkWorld {
  readonly stack: Stack;
  readonly controlPlaneFolder: string;
  readonly objects: Objects;
  readonly storm: Storm;
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** Sets how many replicas the gateway's Deployment wants. */
  readonly scaleGateway: (pool: Key, replicas: number) => Promise<void>;
  /** Replicas wanted of the Deployment of each gateway, by the name of its pool. */
  readonly readReplicas: () => Promise<ReadonlyMap<string, number>>;
  readonly kill: (name: string, signal: NodeJS.Signals) => void;
  /** Resolves when the bridge watches everything. */
  readonly untilWatching: () => Promise<void>;
  /** The status of the answer to a ping, as a PingSource sends one. */
  readonly ping: () => Promise<number>;
  readonly end: () => Promise<void>;
}

/** Numbers in [0, 1) that follow from the seed (the generator mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Two namespaces, of which one has pools with gateways that stay; pools and workers come and go in both. */
export const namespaces = ['walk-a', 'walk-b'] as const;
const poolOf = (name: string): Key => ({ namespace: namespaces[0], name });
const reportingPools = ['first', 'second'].map(poolOf);
/** The gateway of the third reports nothing: its status is true by the events of its Deployment alone. */
export const gatewayPools: readonly Key[] = [...reportingPools, poolOf('third')];

export async function bringUpWalk(random: () => number): Promise<WalkWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'walk-'));
  const watchdog = createWatchdog();
  const ports = { status: await findFreePort(), lifecycle: await findFreePort() };
  const statusUrl = `http://127.0.0.1:${ports.status}`;
  const storm = await openStorm(`${statusUrl}${STATUS_EVENTS_PATH}`, random);
  await bundle(join(folder, 'dist'));
  let bridgeUrl = '';
  const stack = await bringUp({
    folder: join(folder, 'stack'),
    port: ports.status,
    watch: watchdog.watch,
    bundles: join(folder, 'dist'),
    parts: (settings) => {
      const bridge = bridgePart(settings, ports.lifecycle);
      bridgeUrl = bridge.readyUrl ?? '';
      return [
        statusPart(settings, [bridgeUser]),
        lifecyclePart({ ...settings, port: ports.lifecycle }, [bridgeUser]),
        { ...bridge, environment: { ...bridge.environment, STATUS_URL: storm.url } },
      ];
    },
  });
  const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
  const kube = {
    call: (call: Parameters<KubeClient['call']>[0]) => administrator.call({ timeoutMs: 30_000, ...call }),
  };
  const objects = createObjects(administrator);
  for (const namespace of namespaces) await objects.createNamespace(namespace);
  const gateways = new Map<string, Gateway>();
  for (const pool of gatewayPools) {
    await objects.createPool(pool);
    await createGatewayObjects(kube, pool);
  }
  for (const pool of reportingPools) gateways.set(pool.name, createGateway({ kube, pool, statusUrl, random }));
  const find = (name: string): Child | undefined => stack.children.find((child) => child.name === name);
  const untilOk = (url: string) =>
    vi.waitUntil(
      () =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 120_000, interval: 50 },
    );
  let turn = 0;
  return {
    stack,
    controlPlaneFolder: join(folder, 'stack/control-plane'),
    objects,
    storm,
    gateways,
    scaleGateway: async (pool, replicas) => {
      // The other member makes it a change in any case.
      const body = { metadata: { annotations: { turn: String(turn++) } }, spec: { replicas } };
      const contentType = 'application/merge-patch+json';
      await kube.call({ method: 'PATCH', path: deploymentPath(pool), contentType, body });
    },
    readReplicas: async () => {
      const read = async (pool: Key): Promise<[string, number]> => {
        const { spec } = (await kube.call({ path: deploymentPath(pool) })) as { spec: { replicas: number } };
        return [pool.name, spec.replicas];
      };
      return new Map(await Promise.all(gatewayPools.map(read)));
    },
    kill: (name, signal) => {
      process.kill(find(name)?.pid ?? NaN, signal);
    },
    untilWatching: async () => {
      await untilOk(bridgeUrl);
    },
    ping: async () => {
      const token = await readToken(stack);
      const answer = await fetch(`${statusUrl}${STATUS_EVENTS_PATH}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'ce-specversion': '1.0',
          'ce-id': `ping-${turn++}`,
          'ce-source': '/apis/v1/namespaces/buildkit-system/pingsources/walk',
          'ce-type': 'dev.knative.sources.ping',
        },
        body: '{"resync":"all"}',
      });
      return answer.status;
    },
    end: async () => {
      administrator.close();
      await stack.stop();
      await storm.close();
      watchdog.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const readToken = async ({ mounts }: Stack): Promise<string> =>
  (await readFile(join(mounts, 'buildkit-bridge/audience-token'), 'utf8')).trim();

const deploymentPath = ({ namespace, name }: Key): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${gatewayDeploymentName(name)}`;

/** A Deployment that is paused, so that replicas are only a number: its Pods are the test's own. */
async function createGatewayObjects(kube: Pick<KubeClient, 'call'>, { namespace, name }: Key): Promise<void> {
  const labels = { [LABELS.managedBy]: MANAGED_BY };
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'gateway', image: 'none' }] } };
  await kube.call({
    method: 'POST',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    body: {
      metadata: { name: gatewayDeploymentName(name), labels },
      spec: { replicas: 0, paused: true, selector: { matchLabels: { app: name } }, template },
    },
  });
  await kube.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/services`,
    body: { metadata: { name: gatewayServiceName(name), labels }, spec: { ports: [{ port: 1235 }] } },
  });
}
