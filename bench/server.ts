/** A server in a process of its own, so that what it costs can be told from what asking it costs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Server {
  readonly port: number;
  /** Spent by the process so far. */
  readonly cpuSeconds: () => Promise<number>;
  readonly end: () => void;
}

/** The file sends `{port}` when it listens, and `{cpuSeconds}` whenever it is sent a message. */
export async function startServer(file: string, environment: Readonly<Record<string, string>>): Promise<Server> {
  const child = fork(join(import.meta.dirname, '..', file), { env: { ...process.env, ...environment } });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    port,
    cpuSeconds: async () => {
      child.send('cpu');
      const [{ cpuSeconds }] = (await once(child, 'message')) as [{ cpuSeconds: number }];
      return cpuSeconds;
    },
    end: () => {
      child.kill('SIGKILL');
    },
  };
}
