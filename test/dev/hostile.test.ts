/** Reviews that no apiserver sends, posted straight at the webhooks. */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmissionRequest } from '../../api/http/admission-review.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { makeAdmissionRequest, makeWorker } from '../core/admission/reviews.ts';
import { bringUpSystem, isSoak, type TestSystem } from './webhooks.ts';

const sharedPool = { namespace: 'buildkit-system', name: 'shared-pool' };

let system: TestSystem;
let base: string;
let agent: Agent;

beforeAll(async () => {
  system = await bringUpSystem();
  const query = '-o=jsonpath={.webhooks[0].clientConfig.url}';
  const pool = { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitPool', metadata: sharedPool };
  await expectSuccess(system.stack.kubectl, ['create', '-f', '-'], JSON.stringify(pool));
  base = await system.run('get', 'validatingwebhookconfiguration', 'buildkit-controller', query);
  const ca = await readFile(join(system.stack.mounts, 'buildkit-webhook-ca/tls.crt'));
  agent = new Agent({ ca, keepAlive: true, maxSockets: 16 });
});
afterAll(async () => {
  agent.destroy();
  await system.end();
});

interface Attack {
  readonly path?: '/mutate' | '/validate' | '/convert';
  readonly body: string;
  readonly expected: string;
}

/** Status and, of a review, code and message: `200 denied 422 ...`. */
async function post({ path = '/validate', body }: Omit<Attack, 'expected'>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent = request(new URL(path, base), { agent, method: 'POST', headers }, (answer) => {
    text(answer).then((said) => {
      resolve(`${answer.statusCode ?? 0} ${answer.statusCode === 200 ? summarise(said) : said}`);
    }, reject);
  });
  sent.once('error', reject);
  sent.end(body);
  return await promise;
}

interface Said {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly message: string };
  /** Of a conversion. */
  readonly result?: { readonly status: string };
}

function summarise(said: string): string {
  const { uid, allowed, status, result } = (JSON.parse(said) as { readonly response: Said }).response;
  if (result !== undefined) return `${uid} ${result.status}`;
  return `${uid} ${allowed ? 'allowed' : `denied ${status?.code ?? ''} ${status?.message ?? ''}`}`;
}

const review = (changes: Partial<AdmissionRequest> = {}, envelope: object = {}): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { ...makeAdmissionRequest(), ...changes },
    ...envelope,
  });

const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
const withDeep = (changes: Partial<AdmissionRequest>) => review(changes).replaceAll('"DEEP"', () => deep);
const stranger = { username: 'stranger', groups: ['system:authenticated'] };
const stamped = (poolRef: object) => ({ userInfo: stranger, object: makeWorker({ poolRef, requester: stranger }) });
const pod = { group: '', version: 'v1', kind: 'Pod' };

const notPermitted = (namespace: string, name: string) =>
  `200 review-1 denied 403 spec.poolRef: Forbidden: reference to BuildKitPool "${namespace}/${name}" is not permitted ` +
  'by any grant, and user "stranger" cannot attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" ' +
  `in the namespace "${namespace}"`;

/** A review that converts one pool with this text as one of its fields. */
const conversion = (value: string): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    request: {
      uid: 'review-1',
      desiredAPIVersion: 'buildkit.smrt-devops.net/v1beta1',
      objects: [
        {
          apiVersion: 'buildkit.smrt-devops.net/v1alpha1',
          kind: 'BuildKitPool',
          metadata: { name: 'p', namespace: 'a' },
          spec: { cache: 'VALUE' },
        },
      ],
    },
  }).replace('"VALUE"', () => value);

const attacks: Readonly<Record<string, Attack>> = {
  'no body': { body: '', expected: '400 body: expected JSON' },
  'broken JSON': { body: review().slice(0, -1), expected: '400 body: expected JSON' },
  'no uid': {
    body: review().replace('"uid":"review-1",', ''),
    expected: '400 request.uid: Invalid input: expected string, received undefined',
  },
  'another version': {
    body: review({}, { apiVersion: 'admission.k8s.io/v2' }),
    expected: '400 apiVersion: Invalid input: expected "admission.k8s.io/v1"',
  },
  'a kind that is not ours': {
    body: review({ kind: pod }),
    expected:
      '200 review-1 denied 400 request.kind: expected buildkit.smrt-devops.net/v1beta1 BuildKitPool, ' +
      'BuildKitWorker or BuildKitOIDCConfig, got /v1 Pod',
  },
  'an operation that is not ours': {
    body: review({ operation: 'CONNECT' }),
    expected: '200 review-1 denied 400 request.operation: expected CREATE or UPDATE, got CONNECT',
  },
  'two MiB of object': {
    path: '/mutate',
    body: review({
      object: makeWorker({ poolRef: { name: 'p' }, filler: 'x'.repeat(2 * 1024 * 1024) }),
    }),
    expected: '200 review-1 allowed',
  },
  'two MiB of user': {
    body: review({ ...stamped({ namespace: 'x', name: 'p' }), userInfo: { username: 'x'.repeat(2 * 1024 * 1024) } }),
    expected: '200 review-1 denied 422 ',
  },
  'deep nesting': {
    body: withDeep({ object: makeWorker({ poolRef: 'DEEP', requester: 'DEEP' }) }),
    expected: '200 review-1 denied 422 ',
  },
  'deep nesting on both sides': {
    body: withDeep({
      operation: 'UPDATE',
      object: makeWorker({ poolRef: { name: 'p' }, requester: 'DEEP' }),
      oldObject: makeWorker({ poolRef: { name: 'p' }, requester: 'DEEP' }),
    }),
    expected:
      '200 review-1 denied 422 BuildKitWorker.buildkit.smrt-devops.net "worker-1" is invalid: ' +
      'spec.requester: Forbidden: field is immutable',
  },
  'lone surrogates': {
    body: review(stamped({ namespace: '\ud800', name: '\udfff' })),
    expected: notPermitted('\ud800', '\udfff'),
  },
  'a member __proto__': {
    body: review().replace('"spec":', '"__proto__":{"spec":{"poolRef":{"name":"p"}}},"constructor":{},"spec":'),
    expected: '200 review-1 denied 422 ',
  },
  'a pool that is there, without a right': {
    body: review(stamped(sharedPool)),
    expected: notPermitted('buildkit-system', 'shared-pool'),
  },
  'a pool that is not': {
    body: review(stamped({ namespace: 'buildkit-system', name: 'no-such-pool' })),
    expected: notPermitted('buildkit-system', 'no-such-pool'),
  },
  'a conversion of deep nesting': { path: '/convert', body: conversion(deep), expected: '500 conversion: failed' },
  'a conversion of very many values': {
    path: '/convert',
    body: conversion(`[${'{},'.repeat(900_000)}{}]`),
    expected: '200 review-1 Success',
  },
  'a conversion of too many values': {
    path: '/convert',
    body: conversion(`[${'0,'.repeat(2_000_000)}0]`),
    expected: '413 body: too many values',
  },
  'a conversion of 30 MiB of text': {
    path: '/convert',
    body: conversion(`"${'x'.repeat(30 * 1024 * 1024)}"`),
    expected: '200 review-1 Success',
  },
  'a path out of the namespace': {
    body: review(stamped({ namespace: '../../..', name: 'pods?watch=1#' })),
    expected: notPermitted('../../..', 'pods?watch=1#'),
  },
};

/** Resident memory in MiB of each process that serves the webhooks; fails where one is gone. */
const readMemory = async (): Promise<number[]> =>
  await Promise.all(
    system.stack.children
      .filter(({ name }) => system.stack.webhooks.includes(name))
      .map(async ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024),
  );

const isLarge = ({ body }: Attack): boolean => body.length > 64 * 1024;

/** All in turn, without end. Of large ones, which take up to a thousand times as long, one comes after 200 others. */
function* repeatAttacks(): Generator<Attack, never> {
  const large = repeat(Object.values(attacks).filter(isLarge));
  const small = repeat(Object.values(attacks).filter((attack) => !isLarge(attack)));
  for (;;) {
    yield large.next().value;
    for (let count = 0; count < 200; count++) yield small.next().value;
  }
}

function* repeat<T>(items: readonly T[]): Generator<T, never> {
  for (;;) yield* items;
}

async function postMany(from: Generator<Attack, never>, count: number): Promise<void> {
  let left = count;
  const postInTurn = async (): Promise<void> => {
    while (left-- > 0) {
      const attack = from.next().value;
      const answer = await post(attack);
      // Of many large ones at once some are turned away, and an apiserver that starves answers none in time.
      const isExpected = [attack.expected, '503 busy', '200 review-1 denied 503 '].some((say) =>
        answer.startsWith(say),
      );
      if (!isExpected) throw new Error(`expected ${attack.expected}, got ${answer.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, postInTurn));
}

/** Of the container in manifests/base/webhooks/deployment.yaml. */
const memoryLimitMib = 1024;

const rounds = 10;

describe('a hostile review', () => {
  it.each(Object.entries(attacks))('with %s gets a clear answer', async (_, { expected, ...attack }) => {
    expect((await post(attack)).slice(0, expected.length)).toBe(expected);
  });

  it('of a stranger is answered alike for a pool that is there, a pool and a namespace that are not', async () => {
    const keys = [sharedPool, { ...sharedPool, name: 'no-such-pool' }, { namespace: 'no-such-namespace', name: 'p' }];
    const answers = await Promise.all(
      keys.map(async (key) => {
        const said = await post({ body: review(stamped(key)) });
        return said.replaceAll(key.namespace, 'NAMESPACE').replaceAll(`/${key.name}`, '/NAME');
      }),
    );
    expect(new Set(answers)).toEqual(new Set([notPermitted('NAMESPACE', 'NAME')]));
  });

  it.runIf(process.platform === 'linux')(
    'ends no process and stays in no memory, however many come',
    async () => {
      const endless = repeatAttacks();
      const peaks: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await postMany(endless, (isSoak ? 100_000 : 2_000) / rounds);
        peaks.push(Math.max(...(await readMemory())));
      }
      if (isSoak) console.log(`MiB after each of ${rounds} rounds: ${peaks.map(Math.round).join(' ')}`);
      expect(Math.max(...peaks)).toBeLessThan(memoryLimitMib);
      // The collector takes its time to fill the heap it is given: then it must not get fuller.
      const [first, second] = [peaks.slice(0, rounds / 2), peaks.slice(rounds / 2)];
      if (isSoak) expect(Math.max(...second)).toBeLessThan(Math.max(...first) + 48);
    },
    60 * 60_000,
  );
});
