/** `npx kind ...`: all that is typed goes to the real kind. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { findKind } from './find.ts';

const child = spawn(await findKind(), process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`kind: ${error.message}`);
  process.exitCode = 1;
});
child.once('close', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
});
