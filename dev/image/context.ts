/** What the Containerfile copies: the base, Node, and the parts with their compile cache, for each platform. */
import { chmod, cp, lutimes, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bundle } from '../build.ts';
import { fillImageCache } from './compile-cache.ts';
import { findDebian, isAddition, layPackages } from './debian.ts';
import { readLock, type LockedPackage } from './lock.ts';
import { dropUnloaded, findNode } from './node.ts';
import { platforms, type Platform, type PlatformName } from './platforms.ts';
import { listBundled, makeSbom } from './sbom.ts';

const root = join(import.meta.dirname, '../..');

interface Request {
  readonly folder: string;
  readonly platforms: readonly PlatformName[];
  readonly version: string;
  /** Whether the base is the one of ours, and so in the bill of materials. */
  readonly isBaseOurs: boolean;
  /** Whether Node may run in an emulator, for the compile cache of another architecture than this machine's. */
  readonly isEmulated: boolean;
  /** Of every file. */
  readonly epochSeconds: number;
  readonly report: (line: string) => unknown;
}

/** What is the same on every platform. */
interface Application {
  readonly folder: string;
  readonly version: string;
  readonly bundled: readonly LockedPackage[];
}

/** Writes `<folder>/<architecture>/{base,node,app}`, each laid out from the root of the image on. */
export async function layContext(request: Request): Promise<void> {
  const folder = join(request.folder, 'bundles');
  const bundled = listBundled(await bundle(folder));
  await cp(join(import.meta.dirname, 'main.mjs'), join(folder, 'main.mjs'));
  await copyLicences(bundled, join(folder, 'licenses'));
  const lock = await readLock(root);
  const application = { folder, version: request.version, bundled: bundled.map(lock) };
  for (const name of request.platforms) {
    const platform = platforms[name];
    const node = lock(`node_modules/${platform.nodePackage}`);
    await layPlatform(platform, node, application, request);
  }
}

async function layPlatform(platform: Platform, node: LockedPackage, application: Application, request: Request) {
  const { architecture } = platform;
  const layerFolder = (part: string) => join(request.folder, architecture, part);
  const debian = await findDebian(platform);
  const additions = debian.filter(isAddition);
  const base = debian.filter((one) => !isAddition(one));
  await layPackages(base, platform, layerFolder('base'));
  await layNode(await findNode(node), layerFolder('node'));
  await layPackages(additions, platform, layerFolder('node'));
  const app = join(layerFolder('app'), 'app');
  await cp(application.folder, app, { recursive: true });
  const layers = [layerFolder('base'), layerFolder('node'), layerFolder('app')];
  await fillImageCache({ ...request, platform, layers, app, rootfs: layerFolder('rootfs') });
  const sbom = makeSbom({
    ...application,
    node,
    debian: request.isBaseOurs ? debian : additions,
    architecture,
    createdSeconds: request.epochSeconds,
  });
  await writeFile(join(app, 'sbom.spdx.json'), `${JSON.stringify(sbom, undefined, 2)}\n`);
  await normalize(join(request.folder, architecture), request.epochSeconds);
}

async function layNode(folder: string, target: string): Promise<void> {
  await mkdir(join(target, 'usr/bin'), { recursive: true });
  const binary = await readFile(join(folder, 'bin/node'));
  await writeFile(join(target, 'usr/bin/node'), dropUnloaded(binary), { mode: 0o755 });
  await cp(join(folder, 'LICENSE'), join(target, 'usr/share/doc/node/LICENSE'));
}

/** The licence of each package whose code is in a bundle, as most ask for. */
async function copyLicences(bundled: readonly string[], target: string): Promise<void> {
  await cp(join(root, 'LICENSE'), join(target, 'LICENSE'));
  for (const folder of bundled) {
    const names = (await readdir(join(root, folder))).filter((name) => /^licen[cs]e/i.test(name));
    if (names.length === 0) throw new Error(`${folder}: expected a file with its licence`);
    const to = join(target, folder.replace(/^.*node_modules\//, ''));
    for (const name of names) await cp(join(root, folder, name), join(to, basename(name)));
  }
}

/** Same files, same layers: whatever this machine's umask and clock are. */
async function normalize(folder: string, epochSeconds: number): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o040111) === 0 ? 0o644 : 0o755);
    await lutimes(path, epochSeconds, epochSeconds);
  }
}
