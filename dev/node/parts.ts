/** The processes of the node, in the order in which they start. */
import { dirname } from 'node:path';
import type { NodeBinaries } from './binaries.ts';
import { containerdSocket } from './configuration.ts';
import { nodeName } from './credentials.ts';
import { inside } from './machine.ts';

export interface NodePart {
  readonly name: string;
  /** Seen from inside. */
  readonly command: readonly string[];
}

export const containerdPart = (binaries: NodeBinaries): NodePart => ({
  name: 'containerd',
  command: [binaries.containerd, '--config', `${inside}/containerd.toml`],
});

export const kubeletPart = (binaries: NodeBinaries, nodeAddress: string): NodePart => ({
  name: 'kubelet',
  command: [
    binaries.kubelet,
    `--config=${inside}/kubelet.json`,
    `--kubeconfig=${inside}/kubelet.kubeconfig`,
    `--root-dir=${inside}/kubelet`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeAddress}`,
  ],
});

export const proxyPart = (binaries: NodeBinaries): NodePart => ({
  name: 'kube-proxy',
  command: [binaries['kube-proxy'], `--config=${inside}/kube-proxy.json`],
});

export const ctr = (binaries: Pick<NodeBinaries, 'ctr'>, ...args: readonly string[]): readonly string[] => [
  binaries.ctr,
  `--address=${containerdSocket}`,
  '--namespace=k8s.io',
  ...args,
];

/** containerd looks for its shim there. */
export const pathOf = (binaries: NodeBinaries): string => dirname(binaries['containerd-shim-runc-v2']);
