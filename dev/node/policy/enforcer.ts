/** Keeps the node's rules equal to what Pods, namespaces and NetworkPolicies are now. */
import { watch } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPause } from '../../../adapters/backoff.ts';
import { connectKube, type KubeClient } from '../../../adapters/kube/client.ts';
import { listAll } from '../../../adapters/kube/list.ts';
import { listAndWatch } from '../../../adapters/kube/watch.ts';
import { createLog } from '../../../adapters/log.ts';
import type { Labels } from '../../../core/access/label-selector.ts';
import type { Account, ControlPlane } from '../../control-plane/start.ts';
import { notesFolder } from '../configuration.ts';
import { inside, type Machine } from '../machine.ts';
import { compile, type Cluster, type Pod, type Policy } from './compile.ts';

/** Several changes come together more often than one alone. */
const gatherMs = 10;
const retryMs = 1000;

const collections = {
  pods: '/api/v1/pods',
  namespaces: '/api/v1/namespaces',
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
};

interface Options {
  readonly machine: Machine;
  readonly controlPlane: Pick<ControlPlane, 'url' | 'caFile'>;
  readonly account: Account;
}

/** Resolves when the first rules stand. Pods that they do not know yet are kept from everybody. */
export async function startEnforcer({
  machine,
  controlPlane,
  account,
}: Options): Promise<{ stop: () => Promise<void> }> {
  const log = createLog('node-policies', 'error');
  const ending = new AbortController();
  const { signal } = ending;
  const isEnding = () => signal.aborted;
  const kube = connectKube({
    url: controlPlane.url,
    ca: await readFile(controlPlane.caFile),
    readToken: () => Promise.resolve(account.token),
  });
  let change = Promise.withResolvers<undefined>();
  const look = () => {
    change.resolve(undefined);
  };
  await apply(machine, { pods: [], namespaces: {}, policies: [] });
  const notes = watch(join(machine.folder, notesFolder), look);
  const pause = createPause({ signal, random: Math.random });
  for (const path of Object.values(collections)) void listAndWatch(kube, { path }, { emit: look, pause, log, signal });
  const keepUp = async () => {
    while (!isEnding()) {
      await sleep(gatherMs);
      // `stop` has resolved the change before: nothing would resolve another.
      if (isEnding()) return;
      change = Promise.withResolvers();
      try {
        await apply(machine, await observe(kube, machine.folder));
      } catch (error) {
        if (!isEnding()) log.error({ error: (error as Error).message }, 'rules not applied');
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
        look();
      }
      await change.promise;
    }
  };
  const kept = keepUp();
  const stop = async () => {
    ending.abort();
    notes.close();
    look();
    await kept;
    kube.close();
  };
  return { stop };
}

async function apply({ run, folder, addresses }: Machine, cluster: Cluster): Promise<void> {
  const file = 'policy.nft';
  await writeFile(join(folder, file), compile(cluster, { range: addresses.pods, machine: addresses.machine }));
  await run(['nft', '--file', join(inside, file)]);
}

interface KubePod {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly labels?: Labels };
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly containers: readonly { readonly ports?: readonly { name?: string; containerPort: number }[] }[];
  };
  readonly status?: { readonly phase?: string };
}

async function observe(kube: KubeClient, folder: string): Promise<Cluster> {
  const list = async <T>(path: string) => (await listAll<T>(kube, { path }, (item) => item)).items;
  const addresses = await readNotes(join(folder, notesFolder));
  const [pods, namespaces, policies] = await Promise.all([
    list<KubePod>(collections.pods),
    list<{ metadata: { name: string; labels?: Labels } }>(collections.namespaces),
    list<Policy>(collections.policies),
  ]);
  return {
    pods: pods.flatMap((pod) => toPods(pod, addresses)),
    namespaces: Object.fromEntries(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
    policies,
  };
}

/** Addresses by `<namespace>/<name>`, as the plugin of CNI has noted them. */
async function readNotes(folder: string): Promise<Map<string, string[]>> {
  const notes = new Map<string, string[]>();
  for (const address of await readdir(folder)) {
    const pod = address.endsWith('.new')
      ? undefined
      : await readFile(join(folder, address), 'utf8').catch(() => undefined);
    if (pod !== undefined) notes.set(pod, [...(notes.get(pod) ?? []), address]);
  }
  return notes;
}

/** One for each address: a Pod whose sandbox is made anew has the old one for a moment. */
function toPods({ metadata, spec }: KubePod, addresses: ReadonlyMap<string, string[]>): Pod[] {
  const { namespace, name, labels = {} } = metadata;
  const named = spec.containers
    .flatMap(({ ports = [] }) => ports)
    .flatMap((port) => (port.name === undefined ? [] : [[port.name, port.containerPort] as const]));
  return (addresses.get(`${namespace}/${name}`) ?? []).map((address) => ({
    namespace,
    labels,
    address,
    ports: Object.fromEntries(named),
  }));
}

const name = 'node-policies';

/** What the enforcer may read. */
export const enforcerManifests = ({ user }: Account): readonly object[] => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [
      { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  },
];
