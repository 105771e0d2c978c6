import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A lock on a file, or undefined while another process holds it.
 * A lock of SQLite, because the kernel frees it when the holder dies in whatever way.
 */
export function tryLock(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (String(error).includes('database is locked')) return undefined;
    throw error;
  }
}

/** Does the work while no other process does work under the same file, and waits for that one before. */
export async function exclusively(file: string, work: () => Promise<void>, onWait: () => unknown): Promise<void> {
  let lock = tryLock(file);
  if (lock === undefined) onWait();
  while (lock === undefined) {
    await sleep(500);
    lock = tryLock(file);
  }
  try {
    await work();
  } finally {
    lock.close();
  }
}
