/**
 * From a request at zero to its answer on real Knative, with its parts: a certificate of `api`, beside what a function
 * of Node answers that does nothing.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectKube, type KubeCall, type KubeClient } from '../adapters/kube/client.ts';
import { podsPath } from '../adapters/kube/paths.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import { callFunction, type FunctionCall } from '../dev/knative/call.ts';
import { ourImage, startKnativeCluster, type KnativeCluster } from '../dev/knative/cluster.ts';
import { installOverlay, schedulePings, sleepSoon } from '../dev/knative/overlay.ts';
import { expectSuccess, type Kubectl } from '../dev/kubectl.ts';
import { findObstacle } from '../dev/node/obstacle.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { percentile } from './percentile.ts';
import type { Row } from './row.ts';

/** What making a certificate may take more than nothing. */
const mostMsAdded = 400;
const rounds = 8;
const empty = 'bench-empty';
/** In our image. */
const node = '/usr/bin/node';
const never = '0 0 1 1 *';

/** Milliseconds after the request, in their order; that of a process is exact to 10 ms. */
interface Wake {
  /** The autoscaler wants a Pod. */
  readonly decided: number;
  /** The Pod has a node. */
  readonly bound: number;
  /** Node runs in it. */
  readonly started: number;
  readonly listening: number;
  readonly answered: number;
}

/** Takes minutes. No row where this machine can run no node, and why. */
export async function measureWakes(): Promise<Row[]> {
  const obstacle = await findObstacle();
  if (obstacle !== undefined) {
    console.warn(`not measured, wakes on Knative: ${obstacle}`);
    return [];
  }
  await using ends = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bench-wake-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const watchdog = createWatchdog();
  ends.defer(watchdog.release);
  const cluster = await startKnativeCluster({ folder, watch: watchdog.watch });
  ends.defer(cluster.stop);
  return await measure(cluster, folder);
}

async function measure(cluster: KnativeCluster, folder: string): Promise<Row[]> {
  const { kubectl, controlPlane, address } = cluster;
  await installOverlay({
    kubectl,
    folder: join(folder, 'overlay'),
    image: ourImage,
    patches: [sleepSoon, schedulePings(never)],
  });
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await expectSuccess(kubectl, ['wait', `ksvc/${empty}`, '-n', SYSTEM_NAMESPACE, '--for=condition=Ready']);
  const create = ['create', 'token', 'default', '-n', SYSTEM_NAMESPACE];
  const token = await expectSuccess(kubectl, [...create, `--audience=${TOKEN_AUDIENCE}`]);
  const view = ['config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}'];
  const administrator = await expectSuccess(kubectl, view);
  const kube = connectKube({
    url: controlPlane.url,
    ca: await readFile(controlPlane.caFile),
    readToken: () => Promise.resolve(administrator),
  });
  const place = { address, namespace: SYSTEM_NAMESPACE };
  const [ours, nothing]: [Wake[], Wake[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(
      await timeWake({ kube, kubectl }, { ...place, name: 'buildkit-api', ...requestCertificate(token.trim()) }),
    );
    nothing.push(await timeWake({ kube, kubectl }, { ...place, name: empty, path: '/' }));
  }
  kube.close();
  return makeRows(ours, nothing);
}

const requestCertificate = (token: string) => ({
  path: CERTIFICATES_PATH,
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ pools: ['bench-pool'] }),
});

const script = `require('node:http').createServer((request, response) => response.end()).listen(
  process.env.PORT, () => console.log(JSON.stringify({ time: new Date(), msg: 'listens' })))`;

const items = [
  { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitPool', spec: {}, ...named('bench-pool') },
  {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    ...named(empty, { 'networking.knative.dev/visibility': 'cluster-local' }),
    spec: {
      template: {
        spec: {
          enableServiceLinks: false,
          containers: [
            {
              image: `${ourImage.name}:${ourImage.tag}`,
              command: [node, '--eval', script],
              readinessProbe: { httpGet: { path: '/' }, periodSeconds: 1 },
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 10_001,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
            },
          ],
        },
      },
    },
  },
];

function named(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { metadata: { namespace: SYSTEM_NAMESPACE, name, labels } };
}

const nowMs = (): number => performance.timeOrigin + performance.now();

/** Waits until nothing of the function runs but to its end, and asks it. */
async function timeWake({ kube, kubectl }: Administrator, call: FunctionCall): Promise<Wake> {
  const query = { labelSelector: `serving.knative.dev/service=${call.name}` };
  const pods = { path: podsPath(call.namespace), query };
  while (((await kube.call(pods)) as { items: Pod[] }).items.some(isWanted)) await sleep(250);
  const deployments = { path: `/apis/apps/v1/namespaces/${call.namespace}/deployments`, query };
  const [decided, bound] = await Promise.all([
    watchFor<Deployment>(kube, deployments, ({ spec }) => spec.replicas > 0),
    watchFor<Pod>(kube, pods, (pod) => isWanted(pod) && pod.spec.nodeName !== undefined),
  ]);
  const asked = nowMs();
  const answer = await callFunction(call);
  const answered = nowMs();
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${answer.text}`);
  const { object: pod, at } = await bound.seen;
  return {
    decided: (await decided.seen).at - asked,
    bound: at - asked,
    started: (await findStart(pod.metadata.uid)) - asked,
    listening: (await readListening(kubectl, pod)) - asked,
    answered: answered - asked,
  };
}

interface Administrator {
  readonly kube: KubeClient;
  readonly kubectl: Kubectl;
}

interface Deployment {
  readonly spec: { readonly replicas: number };
}

interface Pod {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly name: string }[] };
}

const isWanted = ({ metadata }: Pod): boolean => metadata.deletionTimestamp === undefined;

interface Seen<T> {
  readonly object: T;
  readonly at: number;
}

/** The first change from now on that fits, and when it was seen. In an object, since a promise of it would be waited for. */
async function watchFor<T>(
  kube: KubeClient,
  { path, query }: Required<Pick<KubeCall, 'path' | 'query'>>,
  fits: (object: T) => boolean,
): Promise<{ readonly seen: Promise<Seen<T>> }> {
  const { metadata } = (await kube.call({ path, query })) as { metadata: { resourceVersion: string } };
  const follow = async (): Promise<Seen<T>> => {
    const watch = { ...query, watch: 'true', resourceVersion: metadata.resourceVersion };
    const ending = new AbortController();
    for await (const line of kube.lines({ path, query: watch }, ending.signal)) {
      const { object } = line as { object: T };
      if (!fits(object)) continue;
      ending.abort();
      return { object, at: nowMs() };
    }
    throw new Error(`watch of ${path} ended`);
  };
  return { seen: follow() };
}

/** When Node began in a Pod: the kernel counts in ticks of 10 ms since the machine did. */
async function findStart(podUid: string): Promise<number> {
  const uptimeMs = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
  const bootMs = nowMs() - uptimeMs;
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (!(await read('cgroup')).includes(podUid) || !(await read('cmdline')).startsWith(node)) continue;
    const fields = (await read('stat')).replace(/^.*\) /s, '').split(' ');
    return bootMs + Number(fields[19]) * 10;
  }
  throw new Error(`Node does not run in Pod ${podUid}`);
}

/** When the function said that it listens. */
async function readListening(kubectl: Kubectl, { metadata, spec }: Pod): Promise<number> {
  const container = spec.containers.find(({ name }) => name !== 'queue-proxy')?.name ?? '';
  const log = await expectSuccess(kubectl, ['logs', metadata.name, '-n', metadata.namespace, '-c', container]);
  const line = log.split('\n').find((text) => text.includes('listens'));
  if (line === undefined) throw new Error(`Pod ${metadata.name} does not say that it listens`);
  return Date.parse((JSON.parse(line) as { time: string }).time);
}

const steps = {
  decided: 'until a Pod is wanted',
  bound: 'until the Pod has a node',
  started: 'until Node runs in it',
  listening: 'until it listens',
} as const;

function makeRows(ours: readonly Wake[], nothing: readonly Wake[]): Row[] {
  const middle = (wakes: readonly Wake[], moment: keyof Wake): number =>
    percentile(
      wakes.map((one) => one[moment]),
      50,
    );
  const makeRow = (moment: keyof Wake, figure: string, mostAdded: number): Row => {
    const [value, peerValue] = [middle(ours, moment), middle(nothing, moment)];
    const goal = { goal: `<= ${mostAdded} ms added`, holds: value - peerValue <= mostAdded };
    return { name: 'cold-start', figure, value, unit: 'ms', peer: 'empty function of Node', peerValue, ...goal };
  };
  return [
    makeRow('answered', 'request at zero to certificate', mostMsAdded),
    ...Object.entries(steps).map(([moment, step]) => makeRow(moment as keyof Wake, `of that, ${step}`, mostMsAdded)),
  ];
}
