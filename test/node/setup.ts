/** One control plane with one node for all files of this folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startCluster } from '../../dev/node/cluster.ts';
import { findMissingRequirement } from '../../dev/node/requirements.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { writeNodeImage } from './image.ts';

export interface ProvidedCluster {
  readonly kubeconfig: string;
  /** Programs. */
  readonly kubectl: string;
  readonly ctr: string;
  /** Of the process through whom the node is entered. */
  readonly pid: number;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a node can run. */
    cluster?: ProvidedCluster;
    /** Where none can: why. */
    missing?: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = await findMissingRequirement();
  if (missing !== undefined) {
    project.provide('missing', missing);
    return () => Promise.resolve();
  }
  const folder = await mkdtemp(join(tmpdir(), 'buildkit-controller-'));
  const watchdog = createWatchdog();
  const cluster = await startCluster({ folder, report: console.error, watch: watchdog.watch });
  await cluster.importImage(await writeNodeImage(folder));
  project.provide('cluster', {
    kubeconfig: cluster.kubeconfig,
    kubectl: cluster.binaries.kubectl,
    ctr: cluster.binaries.ctr,
    pid: cluster.pid,
  });
  return async () => {
    await cluster.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
}
