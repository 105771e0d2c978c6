/** An image unpacked, and its containers as far as a kernel and a shell go: a root of its own, read-only, any uid. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLayer, type ImageManifest } from '../../dev/image/archive.ts';

/** @param folder where the archive was opened. */
export async function unpackLayers(folder: string, image: ImageManifest, rootfs: string): Promise<void> {
  mkdirSync(rootfs);
  for (const layer of image.layers) {
    const tar = spawn('tar', ['-x', '--same-owner', '--same-permissions', '-C', rootfs], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    tar.stdin.end(await readLayer(folder, layer));
    const [status] = (await once(tar, 'exit')) as [number | null];
    if (status !== 0) throw new Error(`tar: ${status ?? 'killed'}`);
  }
}

export interface Entry {
  /** From the root of the image on. */
  readonly path: string;
  readonly stats: Stats;
  readonly read: () => Buffer;
}

/** Whatever the layers hold. */
export const listEntries = (rootfs: string): Entry[] =>
  readdirSync(rootfs, { recursive: true, encoding: 'utf8' }).map((path) => {
    const full = join(rootfs, path);
    return { path, stats: lstatSync(full), read: () => readFileSync(full) };
  });

/** Private keys in PEM, JSON web tokens, tokens of GitHub and npm, keys of AWS. */
const keyOrToken = new RegExp(
  [
    '-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\\s+[A-Za-z0-9+/=]{32}',
    '\\beyJ[A-Za-z0-9_-]{16,}\\.eyJ[A-Za-z0-9_-]{16,}\\.',
    '\\bgh[pousr]_[A-Za-z0-9]{36}',
    '\\bnpm_[A-Za-z0-9]{36}',
    '_authToken *=',
    '\\bA[KS]IA[A-Z0-9]{16}\\b',
  ].join('|'),
);
const programs =
  /^(?:(?:ba|da|k|z|c|tc|fi)?sh|busybox|toybox|apt(?:-get)?|dpkg|apk|rpm|yum|dnf|npm|npx|corepack|yarn|pnpm|pip3?)$/;

/** What no image of ours may hold, as `<path>: <why>`. */
export function findForbidden(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ path, stats, read }) => {
    const why = [
      ...(stats.isFile() && programs.test(path.replace(/^.*\//, '')) ? ['a shell or a package manager'] : []),
      ...((stats.mode & 0o6000) === 0 ? [] : ['runs with the rights of its owner']),
      ...((stats.mode & 0o022) === 0 || stats.isSymbolicLink() ? [] : ['others than its owner may write']),
      ...((stats.mode & 0o004) === 0 ? ['not everybody may read'] : []),
      ...(stats.uid === 0 && stats.gid === 0 ? [] : ['not owned by root']),
      ...(stats.isFile() || stats.isDirectory() ? [] : ['neither a file nor a folder']),
      ...(stats.isFile() && keyOrToken.test(read().toString('latin1')) ? ['a key or a token'] : []),
    ];
    return why.map((reason) => `${path}: ${reason}`);
  });
}

export interface Run {
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const script =
  'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot --userspec=4242:4242 --groups= "$0" "$@"';

/** As pid 1, under a uid that nobody made, with nothing to write to. */
export const startIn = ({ rootfs, command, environment }: Run): ChildProcessByStdio<null, Readable, Readable> =>
  spawn('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', script, rootfs, ...command], {
    env: { ...environment, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Sends it to what runs inside; where that ends, so does the process that waits for it, with its status. */
export function signalInside({ pid = 0 }: ChildProcess, signal: NodeJS.Signals): void {
  const inside = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  if (inside !== '') process.kill(Number(inside), signal);
}

/** The status of its first answer; nothing where it ends without one. */
export async function waitForAnswer(child: ChildProcess, url: string): Promise<number | undefined> {
  while (child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer !== undefined) return answer.status;
    await sleep(20);
  }
  return undefined;
}
