/** The whole system on this machine as a cluster has it: every part a Pod of a real node. */
import type { Stack } from '../stack.ts';
import { startCluster, type ClusterOptions } from './cluster.ts';
import { startForward } from './forward.ts';
import { install } from './install.ts';

/** In a cluster, a CronJob renews the keys. */
export type NodeStack = Pick<Stack, 'apiUrl' | 'kubeconfig' | 'binaries' | 'controlPlane' | 'exited' | 'stop'> &
  Partial<Pick<Stack, 'renewKeys'>>;

/** `port` is that of the API on 127.0.0.1. */
export async function bringUpOnNode({
  port,
  ...options
}: ClusterOptions & { readonly port: number }): Promise<NodeStack> {
  const cluster = await startCluster(options);
  try {
    await install({ ...options, cluster });
    const forward = await startForward({ kubectl: cluster.kubectl, port });
    const stop = async () => {
      forward.close();
      await cluster.stop();
    };
    return { ...cluster, apiUrl: `http://127.0.0.1:${port}`, stop };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
