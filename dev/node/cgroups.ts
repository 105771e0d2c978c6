/** The control groups of a node: one below the root of every hierarchy, in which the kubelet makes those of Pods. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = '/sys/fs/cgroup';
const endDeadlineMs = 20_000;

const isUnified = (): boolean => existsSync(join(root, 'cgroup.controllers'));

/** With cgroup v2 there is one hierarchy, else a folder for each controller. */
const listHierarchies = async (): Promise<string[]> =>
  isUnified() ? [root] : (await readdir(root)).map((name) => join(root, name));

// A group has the share of one process of this machine until it is told otherwise, and all Pods together would starve
// where others work, too: sixteen times that.
const shares = { 'cpu.shares': '16384', 'cpu.weight': '1600' };

export async function makeCgroups(name: string): Promise<void> {
  for (const hierarchy of await listHierarchies()) {
    const group = join(hierarchy, name);
    await mkdir(group, { recursive: true });
    // Of cgroup v1: a new group has neither processors nor memory until it is told.
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (!isUnified() && existsSync(join(hierarchy, file)))
        await writeFile(join(group, file), await readFile(join(hierarchy, file)));
    for (const [file, share] of Object.entries(shares))
      if (existsSync(join(group, file))) await writeFile(join(group, file), share);
  }
}

/** Waits until the processes in them are gone, which somebody else has killed. */
export async function removeCgroups(name: string): Promise<void> {
  const deadline = Date.now() + endDeadlineMs;
  for (const hierarchy of await listHierarchies()) await removeTree(join(hierarchy, name), deadline);
}

async function removeTree(folder: string, deadline: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name), deadline);
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
