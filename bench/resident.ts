import { readFile } from 'node:fs/promises';

/** Megabytes of a process that are in memory. Linux; elsewhere nothing is known of it. */
export async function readResident(pid = 0): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1000;
}
