/** `npm run soak`: every property and walk of the tests at its full length, from one printed seed. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { SEED = String(randomInt(2 ** 31)), PROPERTY_RUNS = '100000' } = process.env;

console.log(`SEED=${SEED} PROPERTY_RUNS=${PROPERTY_RUNS}`);
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--testTimeout=3600000', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, SOAK: '1', SEED, PROPERTY_RUNS } },
);
process.exitCode = status ?? 1;
