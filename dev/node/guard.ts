/**
 * Keeps the apiserver, which listens at this machine's end of the cable, from all who come by another way: an address
 * is good at every link of a machine. The table is owned by the program that made it, which ends when we do.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Addresses } from './addresses.ts';

const deadlineMs = 5000;

export interface Guard {
  readonly stop: () => Promise<void>;
}

export async function startGuard({ name, machine }: Addresses): Promise<Guard> {
  const nft = spawn('nft', ['--interactive'], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const ended = once(nft, 'exit');
  await once(nft, 'spawn');
  nft.stdin.write(`add table inet ${name} { flags owner ; }
add chain inet ${name} arriving { type filter hook input priority filter - 10 ; policy accept ; }
add rule inet ${name} arriving ip daddr ${machine} iifname != { "lo", "${name}" } drop
`);
  const stop = async () => {
    nft.stdin.end();
    await ended;
  };
  const deadline = Date.now() + deadlineMs;
  while (!(await isGuarding(name))) {
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`nft made no table that keeps others from ${machine}`);
    }
    await sleep(20);
  }
  return { stop };
}

const isGuarding = (name: string): Promise<boolean> =>
  promisify(execFile)('nft', ['list', 'chain', 'inet', name, 'arriving']).then(
    ({ stdout }) => stdout.includes('drop'),
    () => false,
  );
