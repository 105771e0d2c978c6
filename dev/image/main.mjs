/** Where the container starts: its one argument names the part to run. */
import { readdirSync } from 'node:fs';

const parts = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.mjs') && name !== 'main.mjs')
  .map((name) => name.slice(0, -'.mjs'.length))
  .sort();
const args = process.argv.slice(2);

if (args.length === 1 && parts.includes(args[0])) {
  await import(`./${args[0]}.mjs`);
} else {
  const got = args.length === 0 ? 'none' : JSON.stringify(args.join(' '));
  process.stderr.write(`expected one argument, the part to run: ${parts.join(', ')}; got ${got}\n`);
  process.exitCode = 2;
}
