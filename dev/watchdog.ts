/**
 * Ends our children when we are killed in a way that lets us do nothing, such as kill -9.
 * The watchdog is a process of its own, this file run as a program: it reads their pids, one a line, from a pipe that
 * only we hold, and acts when that closes. After the pid of a node's first process stands the name of the node.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUp } from './node/clean-up.ts';

export type Watchdog = {
  readonly watch: (child: { readonly pid: number; readonly node?: string }) => void;
  /** Ends what still runs of the watched, then the watchdog. */
  readonly release: () => void;
};

export function createWatchdog(): Watchdog {
  // Detached: neither Ctrl-C in the terminal nor closing it may reach the watchdog.
  const program = spawn(process.execPath, [import.meta.filename], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  program.unref();
  // A watchdog that was killed is missed only when we are, too.
  program.stdin.on('error', () => undefined);
  return {
    watch: ({ pid, node = '' }) => {
      program.stdin.write(`${pid} ${node}\n`);
    },
    release: () => {
      program.stdin.end();
    },
  };
}

type Watched = { readonly pid: number; readonly node: string | undefined; readonly begin: string | undefined };

/** The latest first: what was started later needs what was started before, as kube-apiserver needs etcd. */
async function run(): Promise<void> {
  const watched: Watched[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const [pid, node] = line.split(' ');
    watched.unshift({ pid: Number(pid), node, begin: readBegin(Number(pid)) });
  }
  for (const each of watched) await end(each);
  for (const { node } of watched) if (node) await cleanUp(node);
}

async function end(watched: Watched): Promise<void> {
  const deadline = Date.now() + 3000;
  signal(watched, 'SIGTERM');
  while (isRunning(watched) && Date.now() < deadline) await sleep(20);
  signal(watched, 'SIGKILL');
}

function signal(watched: Watched, name: NodeJS.Signals): void {
  try {
    if (isRunning(watched)) process.kill(watched.pid, name);
  } catch {
    // It ended in between, and the others must be ended still.
  }
}

/** A pid alone says little: by now it may be that of another process. */
const isRunning = ({ pid, begin }: Watched): boolean => begin !== undefined && readBegin(pid) === begin;

/** When the process began, in whatever form; undefined where it is gone or only waits for its parent (state Z). */
function readBegin(pid: number): string | undefined {
  const [state, begin] = process.platform === 'linux' ? readProc(pid) : readPs(pid);
  return state?.startsWith('Z') ? undefined : begin;
}

function readProc(pid: number): (string | undefined)[] {
  try {
    // The second field is the name in parentheses, in which anything may stand.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return [fields[0], fields[19]];
  } catch {
    return [];
  }
}

function readPs(pid: number): (string | undefined)[] {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [state, ...begin] = stdout.trim().split(/\s+/);
  return [state, begin.join(' ') || undefined];
}

if (import.meta.main) await run();
