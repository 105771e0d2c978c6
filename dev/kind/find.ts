/** The real kind (https://kind.sigs.k8s.io). */
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { find } from '../control-plane/find.ts';
import { kind } from '../control-plane/table.ts';

const run = promisify(execFile);
/** Where our own launcher could be found as `kind`, which would call itself. */
const launcher = join(import.meta.dirname, 'kind.mjs');

/** What the user has on PATH, else the pinned one, built once. */
export async function findKind(path = process.env['PATH'] ?? ''): Promise<string> {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, 'kind');
    if (await isKind(file)) return file;
  }
  return (await find(kind)).kind;
}

/** Another program of that name does not count. */
async function isKind(file: string): Promise<boolean> {
  try {
    if ((await realpath(file)) === launcher) return false;
    const { stdout } = await run(file, ['version'], { timeout: 5_000 });
    return /^kind v\d/.test(stdout);
  } catch {
    return false;
  }
}
