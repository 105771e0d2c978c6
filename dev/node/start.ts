/** Starts the parts of a node in a machine of its own, for a control plane that is up. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild, type Child, type Exit } from '../child.ts';
import type { ControlPlane } from '../control-plane/start.ts';
import { expectSuccess, type Kubectl } from '../kubectl.ts';
import type { NodeBinaries } from './binaries.ts';
import * as configuration from './configuration.ts';
import { nodeName, type Accounts } from './credentials.ts';
import { dnsImage, dnsManifests } from './dns.ts';
import { inside, type Entrance, type Machine } from './machine.ts';
import { makeImage } from './oci-image.ts';
import { enforcerManifests, startEnforcer } from './policy/enforcer.ts';
import { containerdPart, ctr, kubeletPart, pathOf, proxyPart, type NodePart } from './parts.ts';

const readyTimeoutSeconds = 60;

export interface NodeOptions {
  readonly machine: Machine;
  readonly binaries: NodeBinaries;
  readonly accounts: Accounts;
  readonly controlPlane: ControlPlane;
  readonly kubectl: Kubectl;
}

export interface Node {
  /** Makes the images of an OCI archive known to the node: by their names, and those of a repository by digest, too. */
  readonly importImage: (tar: string, repository?: string) => Promise<void>;
  /** Resolves at the first end of a part. */
  readonly exited: Promise<Exit>;
  /** What runs outside of its machine. */
  readonly stop: () => Promise<void>;
}

/** Resolves when the node is Ready. Its parts end with its machine. */
export async function startNode({ machine, binaries, accounts, controlPlane, kubectl }: NodeOptions): Promise<Node> {
  const { folder, addresses } = machine;
  const exited = Promise.withResolvers<Exit>();
  const launch = async (part: NodePart): Promise<Child> => {
    const child = await startInside(machine, part, binaries);
    void child.ended.then(exited.resolve);
    return child;
  };
  const importImage = createImport(machine, binaries);
  await writeConfiguration({
    folder,
    accounts,
    settings: {
      addresses,
      kubeUrl: controlPlane.url,
      kubeCa: await readFile(controlPlane.caFile, 'utf8'),
      plugins: dirname(binaries.bridge),
      runc: binaries.runc,
    },
  });
  const images = writeImages(folder, binaries);
  await waitForSocket(machine, await launch(containerdPart(binaries)));
  for (const tar of await images) await importImage(tar);
  const items = [...dnsManifests(addresses), ...enforcerManifests(accounts.policies)];
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const enforcer = await startEnforcer({ machine, controlPlane, account: accounts.policies });
  await launch(kubeletPart(binaries, addresses.node));
  await launch(proxyPart(binaries));
  await waitUntilReady(kubectl);
  return { importImage, exited: exited.promise, stop: enforcer.stop };
}

export const createImport =
  ({ run }: Entrance, binaries: Pick<NodeBinaries, 'ctr'>): Node['importImage'] =>
  async (tar, repository) => {
    const digests = repository === undefined ? [] : ['--digests', `--base-name=${repository}`];
    await run(ctr(binaries, 'images', 'import', '--local', ...digests, tar));
  };

const startInside = ({ enter, folder }: Machine, { name, command }: NodePart, binaries: NodeBinaries): Promise<Child> =>
  startChild({
    name,
    ...enter(command),
    cwd: folder,
    log: join(folder, `${name}.log`),
    environment: { PATH: `${pathOf(binaries)}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });

interface Configuration {
  readonly folder: string;
  readonly accounts: Accounts;
  readonly settings: configuration.NodeSettings;
}

async function writeConfiguration({ folder, accounts, settings }: Configuration): Promise<void> {
  for (const name of ['cni', configuration.notesFolder]) await mkdir(join(folder, name));
  const files = {
    'containerd.toml': configuration.containerdConfig(settings),
    'cni/pods.conflist': configuration.cniConfig(settings),
    'kubelet.json': configuration.kubeletConfig(settings),
    'kubelet.kubeconfig': configuration.kubeconfigOf(settings, accounts.kubelet),
    'kube-proxy.json': configuration.proxyConfig(settings),
    'kube-proxy.kubeconfig': configuration.kubeconfigOf(settings, accounts.proxy),
    'resolv.conf': '',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
}

/** Their paths, seen from inside. */
async function writeImages(folder: string, { pause, coredns }: NodeBinaries): Promise<string[]> {
  const images = [
    { name: configuration.pauseImage, files: { pause }, entrypoint: ['/pause'] },
    { name: dnsImage, files: { coredns }, entrypoint: ['/coredns'] },
  ];
  for (const [index, image] of images.entries())
    await writeFile(join(folder, `image-${index}.tar`), (await makeImage(image)).archive);
  return images.map((_, index) => join(inside, `image-${index}.tar`));
}

async function waitForSocket(machine: Machine, { ended, log }: Child): Promise<void> {
  const state = { isEnded: false };
  void ended.then(() => (state.isEnded = true));
  const isThere = () =>
    machine.run(['test', '-S', configuration.containerdSocket]).then(
      () => true,
      () => false,
    );
  while (!(await isThere())) {
    if (state.isEnded) throw new Error(`containerd ended as it started (see ${log})`);
    await sleep(50);
  }
}

async function waitUntilReady(kubectl: Kubectl): Promise<void> {
  await expectSuccess(kubectl, ['wait', '--for=create', `node/${nodeName}`, `--timeout=${readyTimeoutSeconds}s`]);
  const condition = ['--for=condition=Ready', `--timeout=${readyTimeoutSeconds}s`];
  await expectSuccess(kubectl, ['wait', ...condition, `node/${nodeName}`]);
}
