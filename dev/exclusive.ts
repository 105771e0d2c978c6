import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Does the work while no other process does work under the same file, and waits for that one before.
 * A lock of SQLite, because the kernel frees it when the holder dies in whatever way.
 */
export async function exclusively(file: string, work: () => Promise<void>, onWait: () => unknown): Promise<void> {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    for (let isFirst = true; !isLockedBy(database); isFirst = false) {
      if (isFirst) onWait();
      await sleep(500);
    }
    await work();
  } finally {
    database.close();
  }
}

function isLockedBy(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (String(error).includes('database is locked')) return false;
    throw error;
  }
}
