/** `bkctl` as a process, typed by whom a kubeconfig names. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse, stringify } from 'yaml';
import type { TestSystem } from './webhooks.ts';

const root = join(import.meta.dirname, '../..');

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** From the folder of the kubeconfig, which is another than the checkout: as anybody may type it. */
export async function bkctl(kubeconfig: string, ...args: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [join(root, 'cli/bkctl.mjs'), ...args], {
    cwd: join(kubeconfig, '..'),
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await closed) as [number];
  return { status, stdout, stderr };
}

/** The kubeconfig, in `folder`, of a new ServiceAccount of the namespace `tenant`. */
export async function makePerson({ run }: Pick<TestSystem, 'run'>, name: string, folder: string): Promise<string> {
  await run('create', 'serviceaccount', name, '-n', 'tenant');
  const token = await run('create', 'token', name, '-n', 'tenant');
  const config = parse(await run('config', 'view', '--raw', '--flatten', '-o', 'yaml')) as {
    users: { name: string }[];
  };
  const [user] = config.users;
  const file = join(folder, `${name}.kubeconfig`);
  await writeFile(file, stringify({ ...config, users: [{ name: user?.name, user: { token } }] }));
  return file;
}
