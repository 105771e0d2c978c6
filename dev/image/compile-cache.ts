/** The compile cache of the image, made by the Node and at the paths of the image. */
import { execFile } from 'node:child_process';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fillCompileCache } from '../build.ts';
import { nativePlatform, platforms, type Platform } from './platforms.ts';

const run = promisify(execFile);
/** Where the image has the parts: V8 writes the path of each script into what it caches. */
const appPath = '/app';
const emulatorPath = '/emulator';

interface Image {
  readonly platform: Platform;
  /** Each laid out from the root of the image on. */
  readonly layers: readonly string[];
  /** The folder of the parts in one of them. */
  readonly app: string;
  /** A folder to put them together in, which goes again. */
  readonly rootfs: string;
  readonly isEmulated: boolean;
  readonly report: (line: string) => unknown;
}

/** V8 rejects what it made on another architecture: there the cache takes an emulator, or is left out. */
export async function fillImageCache({ platform, layers, app, rootfs, isEmulated, report }: Image): Promise<void> {
  const isNative = platform === platforms[nativePlatform];
  const { architecture, emulator } = platform;
  if (!isNative && !isEmulated) {
    report(`${architecture}: no compile cache, so each start takes longer; --emulate makes one with ${emulator}`);
    return;
  }
  await mkdir(rootfs);
  for (const layer of layers) await run('cp', ['--archive', '--link', `${layer}/.`, rootfs]);
  if (!isNative) await cp(await findCommand(emulator), join(rootfs, emulatorPath));
  const command = [...(isNative ? [] : [emulatorPath]), '/usr/bin/node'];
  await fillCompileCache(appPath, ['unshare', '--map-root-user', `--root=${rootfs}`, ...command]);
  await rename(join(rootfs, appPath, 'compile-cache'), join(app, 'compile-cache'));
  await rm(rootfs, { recursive: true });
}

async function findCommand(name: string): Promise<string> {
  const { stdout } = await run('which', [name]).catch((error: unknown) => {
    throw new Error(`--emulate: expected ${name} on PATH, which Debian's package qemu-user-static brings`, {
      cause: error,
    });
  });
  return stdout.trim();
}
