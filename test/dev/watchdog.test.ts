import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const guard = { timeout: 120_000 };
const dev = join(import.meta.dirname, '../../dev');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchdog-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process with a watchdog and children of the given shell scripts; prints the pid of each. */
async function startParent(scripts: Readonly<Record<string, string>>, last = '') {
  const source = `
    import { startChild } from '${dev}/child.ts';
    import { createWatchdog } from '${dev}/watchdog.ts';
    const watchdog = createWatchdog();
    for (const [name, script] of Object.entries(${JSON.stringify(scripts)})) {
      const child = await startChild({ name, file: 'sh', args: ['-c', script], cwd: '${folder}', log: '${folder}/log', watch: watchdog.watch });
      console.log(child.pid);
    }
    ${last}`;
  await writeFile(join(folder, 'parent.mjs'), source);
  const parent = spawn(process.execPath, ['parent.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(parent, 'exit');
  const pids: number[] = [];
  for await (const line of createInterface({ input: parent.stdout })) {
    if (pids.push(Number(line)) === Object.keys(scripts).length) break;
  }
  return { parent, pids, exited };
}

/** Gone, or a zombie whose parent is slow to ask for it. */
const isGone = (pid: number): boolean =>
  /^(Z|$)/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]).stdout.toString());

const obedient = (name: string) =>
  `trap 'sleep 0.2; echo ${name} >> ended; exit' TERM; echo ${name} >> ready; while :; do sleep 0.05; done`;
const readLines = async (name: string) =>
  (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n').slice(0, -1);

test('ends the children of a killed parent, the apiserver before etcd', async () => {
  const names = ['etcd', 'kube-apiserver', 'kube-controller-manager'];
  const { parent, pids } = await startParent(Object.fromEntries(names.map((name) => [name, obedient(name)])));
  await vi.waitFor(async () => {
    expect(await readLines('ready')).toHaveLength(3);
  }, guard);
  parent.kill('SIGKILL');
  await vi.waitFor(() => {
    expect(pids.map(isGone)).toEqual([true, true, true]);
  }, guard);
  expect(await readLines('ended')).toEqual(names.toReversed());
});

test('kills a child that ignores SIGTERM', async () => {
  const { parent, pids } = await startParent({ stubborn: "trap '' TERM; echo >> ready; while :; do sleep 0.05; done" });
  await vi.waitFor(async () => {
    expect(await readLines('ready')).toHaveLength(1);
  }, guard);
  parent.kill('SIGKILL');
  await vi.waitFor(() => {
    expect(pids.map(isGone)).toEqual([true]);
  }, guard);
});

test('does not keep its parent from ending', async () => {
  const { exited } = await startParent({ short: 'exit' }, '');
  expect(await exited).toEqual([0, null]);
});

test('ends what still runs when it is released', async () => {
  const { exited, pids } = await startParent({ server: obedient('server') }, 'watchdog.release()');
  expect(await exited).toEqual([0, null]);
  expect(pids.map(isGone)).toEqual([true]);
});
