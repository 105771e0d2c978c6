import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient, type KubeClient } from '../adapters/kube/client.ts';
import { findFreePort } from '../dev/child.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { bringUp, type Stack } from '../dev/stack.ts';
import { createWatchdog } from '../dev/watchdog.ts';

type Work<T> = (stack: Stack, administrator: KubeClient, folder: string) => Promise<T>;

/**
 * Brings up a whole system for one measurement. It ends with the work, or with this process in whatever way.
 * `makeApiserverFlags` may leave files in the folder of the system, which the work is told.
 */
export async function withStack<T>(
  work: Work<T>,
  makeApiserverFlags: (folder: string) => Promise<readonly string[]> = () => Promise.resolve([]),
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const watchdog = createWatchdog();
  try {
    const apiserverFlags = await makeApiserverFlags(folder);
    const stack = await bringUp({ folder, port: await findFreePort(), apiserverFlags, watch: watchdog.watch });
    const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
    try {
      return await work(stack, administrator, folder);
    } finally {
      administrator.close();
      await stack.stop();
    }
  } finally {
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
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
