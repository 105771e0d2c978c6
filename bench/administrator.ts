import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKubeClient, type KubeClient } from '../adapters/kube/client.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import type { Stack } from '../dev/stack.ts';

/** A client with the administrator's token, laid out in `folder` as a Pod would mount it. */
export async function connectAsAdministrator({ kubectl, controlPlane }: Stack, folder: string): Promise<KubeClient> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const view = ['config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}'];
  await writeFile(join(folder, 'token'), await expectSuccess(kubectl, view), { mode: 0o600 });
  await copyFile(controlPlane.caFile, join(folder, 'ca.crt'));
  return await createKubeClient({ url: controlPlane.url, accountFolder: folder });
}
