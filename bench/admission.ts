/** What the webhooks add to the creation of a worker, and what a review costs. */
import { Hono } from 'hono';
import type { KubeClient } from '../adapters/kube/client.ts';
import { STORAGE_API_VERSION, KINDS } from '../api/names.ts';
import type { ValidationPorts } from '../core/admission/decide.ts';
import type { Stack } from '../dev/stack.ts';
import { createAdmissionApp } from '../webhooks/admission/app.ts';
import { percentile } from './percentile.ts';
import type { Bench, Row } from './row.ts';
import { withStack } from './stack.ts';
import { readWebhookCost, writeAuditPolicy, type WebhookCost } from './webhook-cost.ts';
import { createWorker, endFunctions, namespace, pool, preparePool, switchWebhooks, timeEach } from './workers.ts';

const connections = 16;
const rounds = 3;
const reviewsPerCreate = 2;
const mostAddedMs = { 50: 5, 99: 25 } as const;
const mostReviewMs = 0.2;
const mostProcessMs = 1;
const mostApiCalls = 3;

export const admission: Bench = async ({ quick }) => {
  const app = await compareReviews(quick ? 2_000 : 50_000);
  const perRound = quick ? 96 : 1600;
  const creates = await withStack(
    (stack, kube, folder) => compareCreates({ stack, kube, folder }, { perRound, app }),
    writeAuditPolicy,
  );
  return [...creates, app];
};

interface System {
  readonly stack: Stack;
  readonly kube: KubeClient;
  /** Where the audit log is. */
  readonly folder: string;
}

interface Comparison {
  readonly perRound: number;
  /** The review in the app alone. */
  readonly app: Row;
}

/** Creates workers whose reference needs a review and a look-up, with and without the webhooks in turns. */
async function compareCreates({ stack, kube, folder }: System, { perRound, app }: Comparison): Promise<Row[]> {
  await endFunctions(stack);
  await preparePool(stack.kubectl);
  const withWebhooks: number[] = [];
  const without: number[] = [];
  const costs: WebhookCost[] = [];
  await timeEach(perRound, connections, () => createWorker(kube));
  for (let round = 0; round < rounds; round++) {
    await switchWebhooks(stack.kubectl, kube, 'on');
    const before = await readWebhookCost(stack, folder);
    withWebhooks.push(...(await timeEach(perRound, connections, () => createWorker(kube))));
    costs.push(subtract(await readWebhookCost(stack, folder), before));
    await switchWebhooks(stack.kubectl, kube, 'off');
    without.push(...(await timeEach(perRound, connections, () => createWorker(kube))));
  }
  const reviews = withWebhooks.length * reviewsPerCreate;
  return [
    makeLatencyRow(withWebhooks, without, 50),
    makeLatencyRow(withWebhooks, without, 99),
    makeCpuRow(sum(costs.map(({ cpuMs }) => cpuMs)) / reviews, app.value),
    makeCallsRow(sum(costs.map(({ apiCalls }) => apiCalls)) / reviews),
  ];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const subtract = (after: WebhookCost, before: WebhookCost): WebhookCost => ({
  cpuMs: after.cpuMs - before.cpuMs,
  apiCalls: after.apiCalls - before.apiCalls,
});

function makeLatencyRow(withWebhooks: number[], without: number[], p: 50 | 99): Row {
  const value = percentile(withWebhooks, p);
  const peerValue = percentile(without, p);
  return {
    name: 'admission',
    figure: `create of a worker, p${p}, ${connections} connections`,
    value,
    unit: 'ms',
    peer: 'without webhooks',
    peerValue,
    goal: `<= ${mostAddedMs[p]} ms added`,
    holds: value - peerValue <= mostAddedMs[p],
  };
}

const makeCpuRow = (value: number, peerValue: number): Row => ({
  name: 'admission',
  figure: 'CPU of a review, whole process',
  value,
  unit: 'ms',
  peer: 'app alone',
  peerValue,
  goal: `<= ${mostProcessMs} ms`,
  holds: value <= mostProcessMs,
});

const makeCallsRow = (value: number): Row => ({
  name: 'admission',
  figure: 'API calls of a review',
  value,
  unit: 'calls',
  peer: 'limit',
  peerValue: mostApiCalls,
  goal: `<= ${mostApiCalls}`,
  holds: value <= mostApiCalls,
});

/** CPU of one review in the app alone, beside an app that parses the same body and answers a constant. */
async function compareReviews(count: number): Promise<Row> {
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
    figure: 'CPU of a review, app alone',
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
