/** The commands of docs/image.md, run as they stand there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

/** Runs the line of the page that matches, with an archive, and where it names one a base, of the caller's. */
export function runFromPage(line: RegExp, output: string, { base = '', umask = '022' } = {}) {
  const [command] = line.exec(readFileSync(join(root, 'docs/image.md'), 'utf8')) ?? [];
  if (command === undefined) throw new Error(`docs/image.md: expected ${line.source}`);
  const changed = command
    .replace('npm run', 'npm run --silent')
    .replace('dist/image.tar', output)
    .replace(/(?<=--base )\S+/, base);
  return promisify(execFile)('sh', ['-c', `umask ${umask}; ${changed}`], { cwd: root });
}
