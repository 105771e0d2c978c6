import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One holder per folder at a time: undefined, or the pid of the one there is.
 * A lock of SQLite, because the kernel frees it when the holder dies in whatever way.
 */
export function lockFolder(folder: string): number | undefined {
  const pidFile = join(folder, 'pid');
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch {
    return Number(readFileSync(pidFile, 'utf8'));
  }
  writeFileSync(pidFile, String(process.pid));
  // Held until the process ends: a database that nobody reaches any more would be closed.
  held.push(database);
  return undefined;
}

const held: DatabaseSync[] = [];
