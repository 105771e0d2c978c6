/**
 * From a Pod that is created to one that is Ready, with its parts: the part `api` in our image on a real node, beside
 * a server that does nothing in the same image under the same rules.
 */
import { podsPath } from '../adapters/kube/paths.ts';
import { SYSTEM_NAMESPACE } from '../api/names.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { startCluster } from '../dev/node/cluster.ts';
import { install } from '../dev/node/install.ts';
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

const rounds = 10;
const mostMsAdded = 400;
/** Of the readiness probe: what listens a moment later may be found a whole period later. */
const probePeriodMs = 1000;

/** Milliseconds after it was created, in their order; that of a process is exact to 10 ms. */
interface Start {
  /** The Pod has a node. */
  readonly bound: number;
  /** Node runs in it. */
  readonly started: number;
  readonly listening: number;
  /** The kubelet has said so, which it probes for once a second. */
  readonly ready: number;
}

export const measurePodStarts = (): Promise<Measurement[]> =>
  measureOnNode({
    what: 'starts of Pods',
    start: startCluster,
    measure: async (cluster, folder) => {
      await install({ cluster, folder });
      const kube = await connectAdministrator(cluster.kubectl, cluster.controlPlane);
      try {
        return await measure({ kube, kubectl: cluster.kubectl });
      } finally {
        kube.close();
      }
    },
  });

interface Spec {
  readonly containers: readonly object[];
}

async function measure(administrator: Administrator): Promise<Measurement[]> {
  const get = ['get', 'deployment/buildkit-api', '-n', SYSTEM_NAMESPACE, '-o', 'jsonpath={.spec.template.spec}'];
  const spec = JSON.parse(await expectSuccess(administrator.kubectl, get)) as Spec;
  const [part] = spec.containers;
  const bare = { ...spec, containers: [{ ...part, command: [node, '--eval', script], args: [] }] };
  const [ours, nothing]: [Start[], Start[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await timeStart(administrator, `ours-${round}`, spec));
    nothing.push(await timeStart(administrator, `nothing-${round}`, bare));
  }
  return makeMilestoneMeasurements(milestones, ours, { peer: 'server that does nothing', nothing });
}

const script = `
  const [cert, key] = ['tls.crt', 'tls.key'].map((name) => fs.readFileSync(process.env.TLS_FOLDER + '/' + name));
  https.createServer({ cert, key }, (request, response) => response.end()).listen(
    process.env.PORT, () => console.log(JSON.stringify({ time: new Date(), msg: 'listens' })))`;

async function timeStart({ kube, kubectl }: Administrator, name: string, spec: Spec): Promise<Start> {
  const pods = { path: podsPath(SYSTEM_NAMESPACE), query: { fieldSelector: `metadata.name=${name}` } };
  const [bound, ready] = await Promise.all([
    watchFor<Pod>(kube, pods, (pod) => pod.spec.nodeName !== undefined),
    watchFor<Pod>(kube, pods, ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: isTrue }) => type === 'Ready' && isTrue === 'True'),
    ),
  ]);
  const created = nowMs();
  const metadata = { namespace: SYSTEM_NAMESPACE, name };
  const { path } = pods;
  await kube.call({ method: 'POST', path, body: { apiVersion: 'v1', kind: 'Pod', metadata, spec } });
  const { object: pod, at } = await ready.observed;
  const start = {
    bound: (await bound.observed).at - created,
    started: (await findStart(pod.metadata.uid)) - created,
    listening: (await readListening(kubectl, pod)) - created,
    ready: at - created,
  };
  await expectSuccess(kubectl, ['delete', 'pod', '-n', SYSTEM_NAMESPACE, name, '--grace-period=1']);
  return start;
}

const milestones = {
  ready: { metric: 'Pod created to Ready', mostAdded: mostMsAdded + probePeriodMs },
  bound: { metric: 'of that, until it has a node', mostAdded: mostMsAdded },
  started: { metric: 'of that, until Node runs in it', mostAdded: mostMsAdded },
  listening: { metric: 'of that, until it listens', mostAdded: mostMsAdded },
} as const;
