/** Workers that benchmarks create, with and without the webhooks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type KubeClient } from '../adapters/kube/client.ts';
import { KINDS, STORAGE_API_VERSION, SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from '../api/names.ts';
import { forEachAtOnce } from '../core/parallel.ts';
import { expectSuccess, type Kubectl } from '../dev/kubectl.ts';
import type { Stack } from '../dev/stack.ts';

export const pool = { name: 'bench-pool', namespace: SYSTEM_NAMESPACE };

/** In another namespace than its pool: its reference needs a review and look-ups. */
export const namespace = 'bench-workers';

export async function preparePool(kubectl: Kubectl): Promise<void> {
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: STORAGE_API_VERSION, kind: KINDS.pool.kind, metadata: pool, spec: {} },
  ];
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

export const createWorker = async (kube: KubeClient, name?: string): Promise<unknown> =>
  await kube.call({
    method: 'POST',
    path: `/apis/${STORAGE_API_VERSION}/namespaces/${namespace}/${KINDS.worker.plural}`,
    body: {
      apiVersion: STORAGE_API_VERSION,
      kind: KINDS.worker.kind,
      metadata: name === undefined ? { generateName: 'worker-' } : { name },
      spec: { poolRef: pool },
    },
  });

/** Calls for each of so many turns, so many at once; the milliseconds of each call. */
export async function timeEach(count: number, atOnce: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  await forEachAtOnce(Array(count).keys(), atOnce, async () => {
    const begin = performance.now();
    await call();
    times.push(performance.now() - begin);
  });
  return times;
}

/** Ends what reacts to objects, and would take the machine from what is measured. */
export async function endFunctions({ children }: Stack): Promise<void> {
  const others = children.filter(({ name }) => ['bridge', 'functions'].includes(name));
  for (const child of others.toReversed()) await child.end();
}

export interface Registered {
  readonly operations: readonly ('CREATE' | 'UPDATE')[];
  /** Where both webhooks are, without the path; where they were when absent. */
  readonly url?: string;
}

/** Changes what both webhooks are asked about, and where. Returns when new workers are stamped or no longer are. */
export async function register(
  { kubectl }: Pick<Stack, 'kubectl'>,
  kube: KubeClient,
  { operations, url, isStamping }: Registered & { readonly isStamping: boolean },
): Promise<void> {
  for (const kind of ['mutating', 'validating'] as const) {
    const patch = [
      { op: 'replace', path: '/webhooks/0/rules/0/operations', value: operations },
      ...(url === undefined ? [] : [{ op: 'replace', path: '/webhooks/0/clientConfig/url', value: url + paths[kind] }]),
    ];
    const configuration = `${kind}webhookconfiguration/${WEBHOOK_CONFIGURATION}`;
    await expectSuccess(kubectl, ['patch', configuration, '--type=json', '--patch', JSON.stringify(patch)]);
  }
  while ((await isStamped(kube)) !== isStamping) await sleep(20);
  await sleep(quietMs);
}

/** The apiserver takes up to 8 ms to act on a change, which need not show. */
const quietMs = 100;

const paths = { mutating: '/mutate', validating: '/validate' } as const;

/** Undefined while one webhook is there and the other is not, which refuses the worker. */
async function isStamped(kube: KubeClient): Promise<boolean | undefined> {
  try {
    const worker = (await createWorker(kube)) as { spec: { requester?: unknown } };
    return worker.spec.requester !== undefined;
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'Invalid') return undefined;
    throw error;
  }
}
