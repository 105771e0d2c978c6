/** What the webhooks add to the creation of a worker, and what a review costs. */
import { join } from 'node:path';
import { Hono } from 'hono';
import { isSchedule } from '../adapters/cron.ts';
import { parseToml } from '../adapters/toml.ts';
import type { KubeClient } from '../adapters/kube/client.ts';
import { KINDS, STORAGE_API_VERSION, WEBHOOK_CONFIGURATION } from '../api/names.ts';
import type { ValidationPorts } from '../core/admission/decide.ts';
import { findFreePort, startChild, waitUntilAnswering, type Child } from '../dev/child.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import type { Stack } from '../dev/stack.ts';
import { createAdmissionApp } from '../webhooks/admission/app.ts';
import { percentile } from './percentile.ts';
import type { Bench, Measurement } from './measurement.ts';
import { readCpuMs, readWebhookCost, type WebhookCost } from './webhook-cost.ts';
import { createWorker, endFunctions, namespace, pool, preparePool, register, timeEach } from './workers.ts';

const connections = 16;
const reviewsPerCreate = 2;
const mostAddedMs = { 50: 5, 99: 25 } as const;
const mostOfNoOp = 2;
const mostReviewMs = 0.2;
const mostProcessMs = 1;
/** Of what requests share, where 16 wait at a time; each alone makes three calls in every second review. */
const mostApiCalls = 0.5;

export const admission: Bench = async ({ quick, withStack }) => {
  const app = await compareReviews(quick ? 2_000 : 50_000);
  const amount = quick ? { rounds: 1, perRound: 96 } : { rounds: 3, perRound: 1600 };
  return await withStack((stack, kube, folder) => compareCreates({ stack, kube, folder }, { ...amount, app }));
};

interface System {
  readonly stack: Stack;
  readonly kube: KubeClient;
  /** Where the audit log is. */
  readonly folder: string;
}

interface Comparison {
  readonly rounds: number;
  readonly perRound: number;
  /** The review in the app alone. */
  readonly app: Measurement;
}

/** Creates workers whose reference needs a review and look-ups, with our webhooks, with no-ops, and with none, in turns. */
async function compareCreates(
  { stack, kube, folder }: System,
  { rounds, perRound, app }: Comparison,
): Promise<Measurement[]> {
  await endFunctions(stack);
  await preparePool(stack.kubectl);
  const noOp = await startNoOp(stack, folder);
  const url = await readWebhookUrl(stack);
  const times: Times = { ours: [], noOp: [], none: [] };
  const costs: WebhookCost[] = [];
  const noOpCpuMs: number[] = [];
  const create = (): Promise<number[]> => timeEach(perRound, connections, () => createWorker(kube));
  await create();
  for (let round = 0; round < rounds; round++) {
    await register(stack, kube, { operations: ['CREATE', 'UPDATE'], url, isStamping: true });
    const before = await readWebhookCost(stack, folder);
    times.ours.push(...(await create()));
    costs.push(subtract(await readWebhookCost(stack, folder), before));
    await register(stack, kube, { operations: ['CREATE', 'UPDATE'], url: noOp.url, isStamping: false });
    const noOpBefore = await readCpuMs(noOp.child.pid);
    times.noOp.push(...(await create()));
    noOpCpuMs.push((await readCpuMs(noOp.child.pid)) - noOpBefore);
    await register(stack, kube, { operations: ['UPDATE'], url, isStamping: false });
    times.none.push(...(await create()));
  }
  await noOp.child.end();
  const reviews = times.ours.length * reviewsPerCreate;
  return [
    makeNoOpMeasurement(times),
    makeLatencyMeasurement(times, 50),
    makeLatencyMeasurement(times, 99),
    makeCpuMeasurement(sum(costs.map(({ cpuMs }) => cpuMs)) / reviews, sum(noOpCpuMs) / reviews),
    makeCallsMeasurement(sum(costs.map(({ apiCalls }) => apiCalls)) / reviews),
    app,
  ];
}

/** Milliseconds of each create. */
interface Times {
  readonly ours: number[];
  readonly noOp: number[];
  readonly none: number[];
}

async function readWebhookUrl({ kubectl }: Stack): Promise<string> {
  const path = 'jsonpath={.webhooks[0].clientConfig.url}';
  const url = await expectSuccess(kubectl, ['get', 'mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION, '-o', path]);
  return new URL(url).origin;
}

/** One process, where ours are two. */
async function startNoOp({ mounts }: Stack, folder: string): Promise<{ child: Child; url: string }> {
  const port = await findFreePort();
  const url = `https://127.0.0.1:${port}`;
  const child = await startChild({
    name: 'no-op-webhook',
    file: process.execPath,
    args: [join(import.meta.dirname, 'no-op-webhook.ts')],
    cwd: folder,
    log: join(folder, 'no-op-webhook.log'),
    environment: { PORT: String(port), TLS_FOLDER: join(mounts, 'buildkit-webhook-tls') },
  });
  await waitUntilAnswering(child, url, join(mounts, 'buildkit-webhook-ca/tls.crt'));
  return { child, url };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const subtract = (after: WebhookCost, before: WebhookCost): WebhookCost => ({
  cpuMs: after.cpuMs - before.cpuMs,
  apiCalls: after.apiCalls - before.apiCalls,
});

function makeNoOpMeasurement({ ours, noOp }: Times): Measurement {
  const [value, peerValue] = [percentile(ours, 50), percentile(noOp, 50)];
  return {
    name: 'admission',
    metric: `create of a worker, p50, ${connections} connections`,
    value,
    unit: 'ms',
    peer: 'no-op webhooks',
    peerValue,
    goal: `<= ${mostOfNoOp} times the peer`,
    holds: value <= mostOfNoOp * peerValue,
  };
}

function makeLatencyMeasurement({ ours, noOp, none }: Times, p: 50 | 99): Measurement {
  const value = percentile(ours, p);
  const peerValue = percentile(none, p);
  return {
    name: 'admission',
    metric: `create of a worker, p${p}, ${connections} connections (no-op webhooks ${percentile(noOp, p).toFixed(1)})`,
    value,
    unit: 'ms',
    peer: 'without webhooks',
    peerValue,
    goal: `<= ${mostAddedMs[p]} ms added`,
    holds: value - peerValue <= mostAddedMs[p],
  };
}

const makeCpuMeasurement = (value: number, peerValue: number): Measurement => ({
  name: 'admission',
  metric: 'CPU of a review, whole process',
  value,
  unit: 'ms',
  peer: 'no-op webhook',
  peerValue,
  goal: `<= ${mostProcessMs} ms`,
  holds: value <= mostProcessMs,
});

const makeCallsMeasurement = (value: number): Measurement => ({
  name: 'admission',
  metric: 'API calls of a review',
  value,
  unit: 'calls',
  peer: 'limit',
  peerValue: mostApiCalls,
  goal: `<= ${mostApiCalls}`,
  holds: value <= mostApiCalls,
});

/** CPU of one review in the app alone, beside an app that parses the same body and answers a constant. */
async function compareReviews(count: number): Promise<Measurement> {
  const nothing = (): void => undefined;
  const ports: ValidationPorts = {
    getPool: () => Promise.resolve({ spec: {} }),
    getNamespaceLabels: () => Promise.resolve({}),
    reviewAccess: () => Promise.resolve(true),
    isAttachCounted: true,
    listReferrers: () => Promise.resolve({ namespaces: [], isComplete: true }),
    listNamespaceLabels: () => Promise.resolve(new Map()),
    listOidcConfigs: () => Promise.resolve([]),
    clusterIssuer: 'https://cluster.example',
    isSchedule,
    parseToml,
  };
  const app = createAdmissionApp({
    openPorts: () => ports,
    log: { info: nothing, error: nothing },
    startReview: () => nothing,
  });
  const floor = new Hono();
  floor.post('/validate', async (context) => context.json({ received: typeof (await context.req.json()) }));
  const value = await timeReviews(app, count);
  const peerValue = await timeReviews(floor, count);
  return {
    name: 'admission',
    metric: 'CPU of a review, app alone',
    value,
    unit: 'ms',
    peer: 'parse and answer',
    peerValue,
    goal: `<= ${mostReviewMs} ms`,
    holds: value <= mostReviewMs,
  };
}

/** CPU milliseconds of one review; the first tenth only warms up. */
async function timeReviews(app: Hono, count: number): Promise<number> {
  const body = makeReviewBody();
  const post = async (): Promise<void> => {
    const answer = await app.request('/validate', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body,
    });
    await answer.text();
  };
  for (let warm = 0; warm < count / 10; warm++) await post();
  const begin = process.cpuUsage();
  for (let made = 0; made < count; made++) await post();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000 / count;
}

function makeReviewBody(): string {
  const [group, version] = STORAGE_API_VERSION.split('/');
  const requester = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group, version, kind: KINDS.worker.kind },
      resource: { group, version, resource: KINDS.worker.plural },
      name: 'worker-1',
      namespace,
      operation: 'CREATE',
      userInfo: requester,
      object: {
        apiVersion: STORAGE_API_VERSION,
        kind: KINDS.worker.kind,
        metadata: { name: 'worker-1', namespace },
        spec: { poolRef: pool, requester },
      },
    },
  });
}
