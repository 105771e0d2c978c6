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
  readonly report: (line: string) => unknown;
}

/** Leaves the cache out where nothing here runs the Node of that platform: V8 rejects what another one made. */
export async function fillImageCache({ platform, layers, app, rootfs, report }: Image): Promise<void> {
  const emulator = platform === platforms[nativePlatform] ? undefined : await findCommand(platform.emulator);
  if (emulator === '') {
    report(`${platform.architecture}: no compile cache for want of ${platform.emulator}, so each start takes longer`);
    return;
  }
  await mkdir(rootfs);
  for (const layer of layers) await run('cp', ['--archive', '--link', `${layer}/.`, rootfs]);
  if (emulator !== undefined) await cp(emulator, join(rootfs, emulatorPath));
  const emulated = emulator === undefined ? [] : [emulatorPath];
  await fillCompileCache(appPath, ['unshare', '--map-root-user', `--root=${rootfs}`, ...emulated, '/usr/bin/node']);
  await rename(join(rootfs, appPath, 'compile-cache'), join(app, 'compile-cache'));
  await rm(rootfs, { recursive: true });
}

/** Its path, or nothing. */
const findCommand = (name: string): Promise<string> =>
  run('which', [name]).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
