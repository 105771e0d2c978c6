/** Node for the image: the package of package-lock.json, for this machine's platform or another one. */
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { LockedPackage } from './lock.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Where everything lies that is fetched once and used again. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  resolve(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'buildkit-controller');

/** The folder of the package: as npm installed it here, or else fetched and checked. */
export async function findNode(node: LockedPackage): Promise<string> {
  const installed = join(root, 'node_modules', node.name);
  if (existsSync(installed)) return installed;
  const folder = join(cacheFolder(), `${node.name}-${node.version}`);
  if (!existsSync(folder)) await fetchPackage(node, folder);
  return folder;
}

async function fetchPackage({ name, version, integrity }: LockedPackage, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', work, `${name}@${version}`], { cwd: work });
    const archive = join(work, `${name}-${version}.tgz`);
    const received = `sha512-${hash('sha512', await readFile(archive), 'base64')}`;
    if (received !== integrity) throw new Error(`${name} ${version}: expected ${integrity}, got ${received}`);
    await run('tar', ['-xzf', archive, '-C', work]);
    await rename(join(work, 'package'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * An ELF file of 64 bits without what is never loaded: symbols and debug sections, a quarter of Node.
 * Offsets are those of the ELF specification, "ELF Header" and "Program Header".
 */
export function dropUnloaded(elf: Buffer): Buffer {
  const isElf64 = elf.readUInt32BE(0) === 0x7f454c46 && elf.readUInt16BE(4) === 0x0201;
  if (!isElf64) throw new Error('expected a little-endian ELF file of 64 bits');
  const [first, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, index) => elf.subarray(first + index * size));
  const ends = headers.map((header) => Number(header.readBigUInt64LE(8) + header.readBigUInt64LE(32)));
  const kept = Buffer.from(elf.subarray(0, Math.max(...ends)));
  // The table of sections lay behind: there is none any more.
  kept.fill(0, 40, 48).fill(0, 60, 64);
  return kept;
}
