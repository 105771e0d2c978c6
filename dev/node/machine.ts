/**
 * The node is a machine of its own inside this one: its first process has its own processes, mounts and network, and
 * one cable to this machine. Whoever kills that process, the kernel ends all others, their mounts, addresses and
 * tables with it. It is killed when the process that started it ends, in whatever way.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startChild, type Child } from '../child.ts';
import type { Addresses } from './addresses.ts';
import { connect } from './cable.ts';
import { makeCgroups } from './cgroups.ts';
import { cleanUp } from './clean-up.ts';

/** Where the node sees its folder: the same in every node, and short enough for the paths of sockets. */
export const inside = '/run/node';

type Options = {
  readonly folder: string;
  readonly addresses: Addresses;
  /** The program that is the first process. */
  readonly pause: string;
  readonly watch?: ((child: Child) => void) | undefined;
};

/** A command for this machine. */
export type Command = { readonly file: string; readonly args: readonly string[] };
export interface Entrance {
  /** The command that runs this one inside. */
  readonly enter: (command: readonly string[]) => Command;
  /** What it prints, run inside; rejects when it fails. */
  readonly run: (command: readonly string[]) => Promise<string>;
}
export interface Machine extends Entrance {
  readonly addresses: Addresses;
  readonly folder: string;
  readonly first: Child;
  readonly stop: () => Promise<void>;
}

export async function startMachine({ folder, addresses, pause, watch }: Options): Promise<Machine> {
  // One that was killed may have left something.
  await cleanUp(addresses.name);
  for (const name of ['var/upper', 'var/work']) await mkdir(join(folder, name), { recursive: true });
  const first = await startChild({
    name: 'node',
    file: 'setpriv',
    args: ['--pdeathsig=KILL', 'unshare', ...namespaces, 'sh', '-euc', makeView, 'sh', folder, pause],
    cwd: folder,
    log: join(folder, 'node.log'),
    watch: (child) => watch?.({ ...child, node: addresses.name }),
  });
  const { enter, run } = createEntrance(first.pid);
  const stop = async () => {
    // unshare passes no signal on, but ends with the process that it waits for.
    await run(['kill', '1']).catch(() => undefined);
    await Promise.race([first.ended, sleep(endDeadlineMs)]);
    await first.end();
    await cleanUp(addresses.name);
  };
  try {
    await waitUntilMade(first);
    await connect(addresses, first.pid, run);
    await makeCgroups(addresses.name);
    return { addresses, folder, first, enter, run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const endDeadlineMs = 5000;

const namespaces = ['--fork', '--kill-child=KILL', '--pid', '--mount', '--net', '--propagation=slave'];

const made = 'made';

// Programs have paths below /run and /var that no setting changes: the node gets a /run of its own, and of /var a
// view in which what it writes is its own. What it mounts is shared with its Pods, and with nobody else.
const makeView = `
mount --make-rshared /
mount -t proc proc /proc
mount -t tmpfs run /run
mkdir ${inside}
mount --bind "$1" ${inside}
mount -t overlay var -o lowerdir=/var,upperdir=${inside}/var/upper,workdir=${inside}/var/work /var
echo ${made}
exec "$2"`;

/** Into the machine that this process has made. */
export function createEntrance(pid: number): Entrance {
  const namespaces = [`--target=${pid}`, '--mount', '--net', `--pid=/proc/${pid}/ns/pid_for_children`, '--wd=/'];
  const enter = (command: readonly string[]) => ({ file: 'nsenter', args: [...namespaces, '--', ...command] });
  const run = async (command: readonly string[]) => {
    const { file, args } = enter(command);
    return (await promisify(execFile)(file, args)).stdout;
  };
  return { enter, run };
}

async function waitUntilMade({ ended, log }: Child): Promise<void> {
  const state = { isEnded: false };
  void ended.then(() => (state.isEnded = true));
  for (;;) {
    const said = await readFile(log, 'utf8');
    if (said.includes(`${made}\n`)) return;
    if (state.isEnded) throw new Error(`the node can not be made: ${said.trim()} (see ${log})`);
    await sleep(10);
  }
}
