/** What the system asks for, and what it takes, while nothing happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readResident } from './resident.ts';
import type { Bench, Measurement } from './measurement.ts';
import { bringUpIdle, silentAccounts, watchingAccounts, type IdleSystem } from './idle-system.ts';

const windowSeconds = 60;
const quickWindowSeconds = 5;
const mostMegabytes = 90;

export const idle: Bench = async ({ quick }) => {
  const seconds = quick ? quickWindowSeconds : windowSeconds;
  const system = await bringUpIdle();
  try {
    const calls = await system.listen(seconds);
    const count = (account: string, isCounted = (_verb: string) => true) =>
      (calls.get(account) ?? []).filter(({ verb }) => isCounted(verb)).length;
    return [
      ...silentAccounts.map((account) => makeCallMeasurement(`${account}, calls in ${seconds} s`, count(account))),
      ...watchingAccounts.map((account) =>
        makeCallMeasurement(
          `${account}, calls but watches in ${seconds} s`,
          count(account, (verb) => verb !== 'watch'),
        ),
      ),
      ...(await makeMemoryMeasurements(system)),
    ];
  } finally {
    await system.end();
  }
};

const makeCallMeasurement = (metric: string, value: number): Measurement => ({
  name: 'idle',
  metric,
  value,
  unit: 'calls',
  peer: 'limit',
  peerValue: 0,
  goal: '0',
  holds: value === 0,
});

async function makeMemoryMeasurements({ stack, source }: IdleSystem): Promise<Measurement[]> {
  const server = "require('node:http').createServer().listen(0, '127.0.0.1', () => console.log('listening'))";
  const bare = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(bare.stdout, 'data');
  const peerValue = await readResident(bare.pid);
  bare.kill();
  const parts = stack.children.filter(({ name }) => !stack.controlPlane.children.some((other) => other.name === name));
  const measurements = parts.map(async ({ name, pid }) => {
    const value = await readResident(pid);
    const metric = { name: 'idle', metric: `${name}, resident`, value, unit: 'MB' };
    const peer = { peer: 'bare http server', peerValue };
    // Not ours to make smaller.
    if (name === source) return { ...metric, ...peer, goal: 'none', holds: true };
    return { ...metric, ...peer, goal: `<= ${mostMegabytes} MB`, holds: value <= mostMegabytes };
  });
  return await Promise.all(measurements);
}
