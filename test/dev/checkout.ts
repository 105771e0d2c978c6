/** A checkout of its own for tests that start the whole system: they must not meet one that runs in this one. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '../..');

export function makeCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'checkout-'));
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of list.split('\n').filter(Boolean))
    cpSync(join(root, file), join(folder, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

export interface Started {
  readonly process: ChildProcess;
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly ended: Promise<{ status: number; stdout: string; stderr: string }>;
}

/** `npm start -- ...args` without npm, which adds lines of its own. */
export const startIn = (checkout: string, ...args: string[]): Started => startProgram(checkout, args, false);

/** The same, as the leader of a process group, which a test may signal as a terminal would. */
export const startGroupIn = (checkout: string, ...args: string[]): Started => startProgram(checkout, args, true);

function startProgram(checkout: string, args: readonly string[], isLeader: boolean): Started {
  const child = spawn(process.execPath, ['launch.mjs', 'dev/start.ts', ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isLeader,
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (said.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (said.stderr += String(chunk)));
  const ended = new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => {
      resolve({ status: code ?? -1, ...said });
    });
  });
  return { process: child, stdout: () => said.stdout, stderr: () => said.stderr, ended };
}

/** Processes of this checkout that still run: each has its folder in its command line or as its working directory. */
export async function listProcesses(checkout: string): Promise<string[]> {
  const ps = spawn('sh', [
    '-c',
    `for p in /proc/[0-9]*; do d=$(readlink $p/cwd 2>/dev/null); case "$d" in ${checkout}*) echo "$(basename $p) $(tr '\\0' ' ' < $p/cmdline)";; esac; done`,
  ]);
  return (await text(ps.stdout)).split('\n').filter(Boolean);
}
