/** One real control plane with our parts for all files of this folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { findFreePort } from '../../dev/child.ts';
import { bringUp } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { readUses, writeAuditFlags } from '../dev/audit.ts';
import { describeRight } from '../dev/rights.ts';

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
  const apiserverFlags = await writeAuditFlags(folder);
  const port = await findFreePort();
  const stack = await bringUp({ folder, port, apiserverFlags, report: console.error, watch: watchdog.watch });
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
    const refused = (await readUses(folder, SYSTEM_NAMESPACE)).filter(({ isRefused }) => isRefused);
    await rm(folder, { recursive: true, force: true });
    expectNone(refused.map(describeRight));
  };
}

/** Whatever the tests have a part do, its rights must suffice: test/dev/rights.test.ts compares them one by one. */
function expectNone(refused: readonly string[]): void {
  if (refused.length > 0) throw new Error(`expected no part to lack a right, got ${[...new Set(refused)].join('; ')}`);
}
