/** What it costs that the API has two versions: the converter, a review, a watch, and the caches after a restart. */
import { readFile } from 'node:fs/promises';
import { Agent, request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { GROUP, KINDS, PROBE_PATHS } from '../api/names.ts';
import { convertObject } from '../core/conversion/convert.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import type { Stack } from '../dev/stack.ts';
import { compareCaches, compareWatches } from './conversion-caches.ts';
import { samples, typicalPool, type Sample } from './filled.ts';
import type { Bench, Measurement } from './measurement.ts';
import { readWebhookCpu } from './webhook-cost.ts';
import { endFunctions, preparePool, timeEach } from './workers.ts';

const mostConverterUs = 50;
const mostReviewMs = 1;

/** As many as the apiserver has use for at a modest load. */
const connections = 4;

export const conversion: Bench = async ({ quick, withStack }) => {
  const converter = compareConverter(quick ? 1_000 : 20_000);
  const others = await withStack(async (stack, kube) => {
    await endFunctions(stack);
    await preparePool(stack.kubectl);
    return [
      await compareReviews(stack, quick ? 300 : 5_000),
      ...(await compareWatches(kube, quick ? 40 : 1_000)),
      await compareCaches(stack, kube, quick ? 200 : 10_000),
    ];
  });
  return [converter, ...others];
};

/** The object that takes longest, beside what a copy of it takes. */
function compareConverter(count: number): Measurement {
  const timed = samples.map(({ name, object, to }) => ({
    name,
    value: timeOne(count, () => convertObject(object, to)),
    peerValue: timeOne(count, () => JSON.parse(JSON.stringify(object)) as unknown),
  }));
  const [first, ...others] = timed.toSorted((left, right) => right.value - left.value);
  if (first === undefined) throw new TypeError('samples: expected one at least');
  const usual = timed.find(({ name }) => name === typicalPool.name)?.value ?? Number.NaN;
  return {
    name: 'conversion',
    metric: `converter, ${first.name}: the slowest of ${others.length + 1} objects (${typicalPool.name} ${usual.toFixed(1)})`,
    value: first.value,
    unit: 'µs',
    peer: 'JSON round trip of it',
    peerValue: first.peerValue,
    goal: `<= ${mostConverterUs} µs`,
    holds: first.value <= mostConverterUs,
  };
}

/** CPU microseconds of one call; as many calls before only warm up. */
function timeOne(count: number, call: () => unknown): number {
  for (let done = 0; done < count; done++) call();
  const begin = process.cpuUsage();
  for (let done = 0; done < count; done++) call();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / count;
}

/** CPU of the webhooks' processes for a review of the largest object, beside their answer to a probe. */
async function compareReviews(stack: Stack, count: number): Promise<Measurement> {
  const path = 'jsonpath={.spec.conversion.webhook.clientConfig.url}';
  const url = await expectSuccess(stack.kubectl, ['get', 'crd', `${KINDS.pool.plural}.${GROUP}`, '-o', path]);
  const ca = await readFile(join(stack.mounts, 'buildkit-webhook-ca/tls.crt'));
  const agent = new Agent({ ca, keepAlive: true, maxSockets: connections });
  const largest = samples.toSorted((left, right) => size(right) - size(left))[0] ?? typicalPool;
  const body = makeReview(largest);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const measure = async (options: RequestOptions, sent?: string): Promise<number> => {
    const send = async (): Promise<void> => {
      await ask(url, { agent, ...options }, sent);
    };
    await timeEach(count, connections, send);
    const before = await readWebhookCpu(stack);
    await timeEach(count, connections, send);
    return ((await readWebhookCpu(stack)) - before) / count;
  };
  const value = await measure({ method: 'POST', headers }, body);
  const peerValue = await measure({ path: PROBE_PATHS.alive });
  agent.destroy();
  return {
    name: 'conversion',
    metric: `CPU of a review over HTTPS, ${largest.name}, ${(body.length / 1024).toFixed(1)} KiB`,
    value,
    unit: 'ms',
    peer: 'probe over the same connections',
    peerValue,
    goal: `<= ${mostReviewMs} ms`,
    holds: value <= mostReviewMs,
  };
}

const size = ({ object }: Sample): number => JSON.stringify(object).length;

const makeReview = ({ object, to }: Sample): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      desiredAPIVersion: `${GROUP}/${to}`,
      objects: [object],
    },
  });

async function ask(url: string, options: RequestOptions, body?: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const sent = request(url, options, (answer) => {
    if (answer.statusCode !== 200) reject(new Error(`webhooks: expected 200, got ${answer.statusCode ?? 0}`));
    buffer(answer).then(resolve, reject);
  });
  sent.once('error', reject);
  sent.end(body);
  await promise;
}
