/** One real control plane with our parts for all files of this folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findFreePort } from '../../dev/child.ts';
import { bringUp } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

export interface ProvidedStack {
  readonly apiUrl: string;
  readonly kubeUrl: string;
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly mounts: string;
  readonly folder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: ProvidedStack;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'buildkit-controller-'));
  const watchdog = createWatchdog();
  const stack = await bringUp({ folder, port: await findFreePort(), report: console.error, watch: watchdog.watch });
  project.provide('stack', {
    apiUrl: stack.apiUrl,
    kubeUrl: stack.controlPlane.url,
    kubeconfig: stack.kubeconfig,
    kubectl: stack.binaries.kubectl,
    mounts: stack.mounts,
    folder,
  });
  return async () => {
    await stack.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
}
