/**
 * From a request at zero to its answer on real Knative, with its parts: a certificate of `api`, beside what a function
 * of Node answers that does nothing.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { podsPath } from '../adapters/kube/paths.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import { callFunction, type FunctionCall } from '../dev/knative/call.ts';
import { ourImage, startKnativeCluster, type KnativeCluster } from '../dev/knative/cluster.ts';
import { installOverlay, schedulePings, sleepSoon } from '../dev/knative/overlay.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { makeMilestoneMeasurements, measureOnNode } from './on-node.ts';
import {
  connectAdministrator,
  findStart,
  node,
  nowMs,
  readListening,
  watchFor,
  type Administrator,
  type Pod,
} from './pod-times.ts';
import type { Measurement } from './measurement.ts';

/** What making a certificate may take more than nothing. */
const mostMsAdded = 400;
const rounds = 8;
const empty = 'bench-empty';
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

export const measureWakes = (): Promise<Measurement[]> =>
  measureOnNode({ what: 'wakes on Knative', start: startKnativeCluster, measure });

async function measure(cluster: KnativeCluster, folder: string): Promise<Measurement[]> {
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
  const kube = await connectAdministrator(kubectl, controlPlane);
  const settings = { address, namespace: SYSTEM_NAMESPACE };
  const [ours, nothing]: [Wake[], Wake[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(
      await timeWake({ kube, kubectl }, { ...settings, name: 'buildkit-api', ...requestCertificate(token.trim()) }),
    );
    nothing.push(await timeWake({ kube, kubectl }, { ...settings, name: empty, path: '/' }));
  }
  kube.close();
  return makeMilestoneMeasurements(milestones, ours, { peer: 'empty function of Node', nothing });
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
  const { object: pod, at } = await bound.observed;
  return {
    decided: (await decided.observed).at - asked,
    bound: at - asked,
    started: (await findStart(pod.metadata.uid)) - asked,
    listening: (await readListening(kubectl, pod)) - asked,
    answered: answered - asked,
  };
}

interface Deployment {
  readonly spec: { readonly replicas: number };
}

const isWanted = ({ metadata }: Pod): boolean => metadata.deletionTimestamp === undefined;

const milestones = {
  answered: { metric: 'request at zero to certificate', mostAdded: mostMsAdded },
  decided: { metric: 'of that, until a Pod is wanted', mostAdded: mostMsAdded },
  bound: { metric: 'of that, until the Pod has a node', mostAdded: mostMsAdded },
  started: { metric: 'of that, until Node runs in it', mostAdded: mostMsAdded },
  listening: { metric: 'of that, until it listens', mostAdded: mostMsAdded },
} as const;
