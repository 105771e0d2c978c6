import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient, type KubeClient } from '../adapters/kube/client.ts';
import { findFreePort } from '../dev/child.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { bringUp, type Stack } from '../dev/stack.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { writeAuditPolicy } from './webhook-cost.ts';

type Work<T> = (stack: Stack, administrator: KubeClient, folder: string) => Promise<T>;

/** Gives the work a whole system, and the folder with the audit log of what the webhooks ask of its apiserver. */
export type WithStack = <T>(work: Work<T>) => Promise<T>;

interface System {
  readonly stack: Stack;
  readonly administrator: KubeClient;
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

/** A system for each work, which ends with it. */
export const withOwnStack: WithStack = async (work) => {
  const system = await openSystem();
  try {
    return await work(system.stack, system.administrator, system.folder);
  } finally {
    await system.stop();
  }
};

/** One system for all work, brought up for the first. */
export function shareStack(): { readonly withStack: WithStack; readonly stop: () => Promise<void> } {
  let opened: Promise<System> | undefined;
  return {
    withStack: async (work) => {
      const { stack, administrator, folder } = await (opened ??= openSystem());
      return await work(stack, administrator, folder);
    },
    stop: async () => {
      await (await opened)?.stop();
    },
  };
}

/** It ends when it is stopped, or with this process in whatever way. */
async function openSystem(): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const watchdog = createWatchdog();
  const clear = async (): Promise<void> => {
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const apiserverFlags = await writeAuditPolicy(folder);
    const stack = await bringUp({ folder, port: await findFreePort(), apiserverFlags, watch: watchdog.watch });
    const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
    const stop = async (): Promise<void> => {
      administrator.close();
      await stack.stop().finally(clear);
    };
    return { stack, administrator, folder, stop };
  } catch (error) {
    await clear();
    throw error;
  }
}

/** A client with the administrator's token, laid out in `folder` as a Pod would mount it. */
export async function connectAsAdministrator({ kubectl, controlPlane }: Stack, folder: string): Promise<KubeClient> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const view = ['config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}'];
  await writeFile(join(folder, 'token'), await expectSuccess(kubectl, view), { mode: 0o600 });
  await copyFile(controlPlane.caFile, join(folder, 'ca.crt'));
  return await createKubeClient({ url: controlPlane.url, accountFolder: folder });
}
