/** A control plane and a node of its own. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child, Exit } from '../child.ts';
import { find, type Binaries } from '../control-plane/find.ts';
import { start, type ControlPlane } from '../control-plane/start.ts';
import { controlPlane as release } from '../control-plane/table.ts';
import { createKubectl, type Kubectl } from '../kubectl.ts';
import { chooseAddresses, listRoutes, makeName, type Addresses } from './addresses.ts';
import { findNodeBinaries, type NodeBinaries } from './binaries.ts';
import { kubeletFlags, makeAccounts, writeCertificates } from './credentials.ts';
import { startGuard } from './guard.ts';
import { startMachine } from './machine.ts';
import { findMissingRequirement } from './requirements.ts';
import { startNode, type Node } from './start.ts';

export interface ClusterOptions {
  /** Takes all state; the node's names follow from it. */
  readonly folder: string;
  readonly apiserverFlags?: readonly string[];
  readonly report?: (line: string) => void;
  /** Told of each child as soon as it exists. */
  readonly watch?: ((child: Child) => void) | undefined;
}

export interface Cluster extends Pick<Node, 'importImage'> {
  readonly addresses: Addresses;
  readonly binaries: Binaries & NodeBinaries;
  /** Of the process through whom the node is entered. */
  readonly pid: number;
  readonly controlPlane: ControlPlane;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  /** Resolves at the first end of a process that `stop` did not ask for. */
  readonly exited: Promise<Exit>;
  /** Ends all processes, and leaves no mount, link, table or control group. */
  readonly stop: () => Promise<void>;
}

/** Resolves when the node is Ready. @throws {Error} of one sentence where this machine can run no node. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const missing = await findMissingRequirement();
  if (missing !== undefined) throw new Error(missing);
  const { report = () => undefined, watch } = options;
  const binaries = { ...(await find(release, { report })), ...(await findNodeBinaries(report)) };
  const folder = join(options.folder, 'node');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const addresses = chooseAddresses(makeName(folder), await listRoutes());
  const ends: (() => Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= endInReverse(ends));
  const exited = Promise.withResolvers<Exit>();
  const noteExit = (exit: Exit) => {
    if (stopped === undefined) exited.resolve(exit);
  };
  try {
    report('starting a machine for the node, and the control plane');
    const guard = await startGuard(addresses);
    ends.push(guard.stop);
    const machine = await startMachine({ folder, addresses, pause: binaries.pause, watch });
    ends.push(machine.stop);
    const accounts = makeAccounts();
    const folders = { node: folder, controlPlane: join(options.folder, 'control-plane') };
    await writeCertificates(folders, addresses);
    const controlPlane = await start({
      ...options,
      folder: folders.controlPlane,
      binaries,
      node: {
        address: addresses.machine,
        serviceRange: addresses.services,
        kubeletFlags: kubeletFlags(folder),
        accounts: Object.values(accounts),
        scheduler: binaries['kube-scheduler'],
      },
    });
    ends.push(controlPlane.stop);
    report('starting containerd, kubelet and kube-proxy');
    const kubeconfig = controlPlane.adminKubeconfig;
    const kubectl = createKubectl(binaries.kubectl, kubeconfig);
    const node = await startNode({ machine, binaries, accounts, controlPlane, kubectl });
    ends.push(node.stop);
    for (const part of [node.exited, machine.first.ended, controlPlane.exited]) void part.then(noteExit);
    return {
      addresses,
      binaries,
      pid: machine.first.pid,
      controlPlane,
      kubeconfig,
      kubectl,
      importImage: node.importImage,
      exited: exited.promise,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function endInReverse(ends: readonly (() => Promise<void>)[]): Promise<void> {
  for (const end of ends.toReversed()) await end();
}
