/** A node beside the one that the other tests share: how it ends, and what is left then. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missing, run } from './cluster.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-end-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  readonly process: ChildProcess;
  readonly name: string;
  /** What `kubectl get nodes` says. */
  readonly nodes: string;
}

async function startProcess(isWatched: 'watched' | 'unwatched'): Promise<Started> {
  const program = join(import.meta.dirname, 'process.ts');
  const child = spawn(process.execPath, [program, folder, isWatched], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [name = '', nodes = ''] = line.split(' ');
    return { process: child, name, nodes };
  }
  throw new Error('the cluster did not come up');
}

/** Whatever has the name or the folder of the node, or runs in its folder. */
function listWhatIsLeft(name: string): string[] {
  const lines = (file: string, ...args: string[]) => execFileSync(file, args, { encoding: 'utf8' }).split('\n');
  const found = [
    ...lines('ip', '-oneline', 'link'),
    ...lines('ip', 'route'),
    ...lines('nft', 'list', 'tables'),
    ...lines('find', '/sys/fs/cgroup', '-maxdepth', '2', '-name', name),
    ...readFileSync('/proc/self/mounts', 'utf8').split('\n'),
    ...listProcesses(),
  ];
  return found.filter((line) => line.includes(name) || line.includes(folder));
}

/** `<pid> <working folder> <command line>` of each. */
function listProcesses(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return /^\d+$/.test(pid) ? [`${pid} ${readlinkSync(`/proc/${pid}/cwd`)} ${command}`] : [];
    } catch {
      return [];
    }
  });
}

const expectNothingLeft = (name: string) => expect.poll(() => listWhatIsLeft(name), { timeout: 120_000 }).toEqual([]);

describe.skipIf(missing !== undefined)(`the end of a node (${missing ?? 'Linux, as root'})`, () => {
  it('leaves nothing, and does not disturb another node', async () => {
    const started = await startProcess('watched');
    expect(started.nodes).toBe('node/node');
    expect(listWhatIsLeft(started.name).length).toBeGreaterThan(10);
    started.process.kill('SIGTERM');
    await once(started.process, 'exit');
    await expectNothingLeft(started.name);
    expect(await run(['get', 'nodes', '--no-headers'])).toMatch(/^node +Ready /);
  });

  it('comes when the process that started it is killed with -9', async () => {
    const started = await startProcess('watched');
    started.process.kill('SIGKILL');
    await expectNothingLeft(started.name);
  });

  it('leaves nothing in the way of the next start when the watchdog is killed, too', async () => {
    const killed = await startProcess('unwatched');
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');
    for (const line of listWhatIsLeft(killed.name).filter((found) => /^\d+ \//.test(found)))
      execFileSync('sh', ['-c', `kill -9 ${line.split(' ')[0] ?? ''} 2>/dev/null || true`]);
    const started = await startProcess('watched');
    expect(started).toMatchObject({ name: killed.name, nodes: 'node/node' });
    started.process.kill('SIGTERM');
    await once(started.process, 'exit');
    await expectNothingLeft(started.name);
  });
});
