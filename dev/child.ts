import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';

/** `status` is the exit code, or the name of the signal. */
export type Exit = { readonly name: string; readonly status: number | string };
export type Child = {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** The name of the node whose first process it is. */
  readonly node?: string;
  readonly ended: Promise<Exit>;
  /** SIGTERM, then SIGKILL after 5 s; resolves when the process is gone. */
  readonly end: () => Promise<void>;
};
type Command = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly log: string;
  /** Replaces ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of the child as soon as it exists. */
  readonly watch?: ((child: Child) => void) | undefined;
};
export type ServerCommand = Omit<Command, 'args' | 'log'> & {
  /** Of this machine; loopback when absent. */
  readonly address?: string;
  readonly args: (port: number) => readonly string[];
  readonly scheme: 'http' | 'https';
  /** Answers 2xx once the server is ready. */
  readonly readyPath: string;
  /** For https; may still be missing when the server starts. */
  readonly caFile: string;
};

/** Starts a process in a group of its own: Ctrl-C in the terminal reaches only us, who know in which order to end. */
export async function startChild({ name, file, args, cwd, log, environment, watch }: Command): Promise<Child> {
  const output = openSync(log, 'a', 0o600);
  const env = environment ?? process.env;
  const spawned = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = Promise.withResolvers<Exit>();
  spawned.once('exit', (code, signal) => {
    ended.resolve({ name, status: code ?? signal ?? 'an unknown status' });
  });
  await once(spawned, 'spawn');
  const end = async () => {
    spawned.kill('SIGTERM');
    const timer = setTimeout(() => spawned.kill('SIGKILL'), 5000);
    await ended.promise;
    clearTimeout(timer);
  };
  const child = { name, pid: spawned.pid ?? NaN, log, ended: ended.promise, end };
  watch?.(child);
  return child;
}

/** When the signal is aborted, ends a command and what it started, as far as that is in a group of its own. */
export function endGroupWith(ending: AbortSignal, child: ChildProcess): void {
  ending.addEventListener('abort', () => {
    try {
      process.kill(-(child.pid ?? NaN), 'SIGTERM');
    } catch {
      // It leads no group, or has ended.
      child.kill();
    }
  });
}

export interface Server {
  readonly child: Child;
  readonly url: string;
  /** Ends it and starts it again on the same port; the one that takes its place. */
  readonly restart: () => Promise<Server>;
}

/** Starts a server on a free port, on a second one when another process takes the first before it can. */
export async function startServer(server: ServerCommand, isRetry = false): Promise<Server> {
  try {
    return await startServerAt(server, await findFreePort(server.address));
  } catch (error) {
    if (isRetry || !(await readFile(logOf(server), 'utf8')).includes('address already in use')) throw error;
    return startServer(server, true);
  }
}

async function startServerAt(server: ServerCommand, port: number): Promise<Server> {
  const url = `${server.scheme}://${server.address ?? loopback}:${port}`;
  const child = await startChild({ ...server, args: server.args(port), log: logOf(server) });
  try {
    await waitUntilAnswering(child, url + server.readyPath, server.caFile);
  } catch (error) {
    await child.end();
    throw error;
  }
  const restart = async (): Promise<Server> => {
    await child.end();
    return await startServerAt(server, port);
  };
  return { child, url, restart };
}

const logOf = ({ cwd, name }: ServerCommand): string => join(cwd, `${name}.log`);

/** Rejects with the last line that the child logged when it ends first, or takes more than a minute. */
export async function waitUntilAnswering({ name, log, ended }: Child, url: string, caFile: string): Promise<void> {
  const state: { exit?: Exit } = {};
  void ended.then((exit) => (state.exit = exit));
  const deadline = Date.now() + 60_000;
  while (!state.exit && Date.now() < deadline) {
    if (await isAnswering(url, caFile)) return;
    await sleep(25);
  }
  const lastLine = (await readFile(log, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
  const what = state.exit ? `ended with ${state.exit.status}` : 'does not answer after 60 s';
  throw new Error(`${name} ${what}: ${lastLine} (see ${log})`);
}

async function isAnswering(url: string, caFile: string): Promise<boolean> {
  try {
    const ca = url.startsWith('https:') ? await readFile(caFile) : [];
    const dispatcher = new Agent({ connect: { ca }, pipelining: 0 });
    return (await fetch(url, { dispatcher })).ok;
  } catch {
    return false;
  }
}

const loopback = '127.0.0.1';

/** A port that was free a moment ago. */
export async function findFreePort(address = loopback): Promise<number> {
  const server = await listen(0, address);
  const { port } = server.address() as AddressInfo;
  await server[Symbol.asyncDispose]();
  return port;
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    await (await listen(port, loopback))[Symbol.asyncDispose]();
    return true;
  } catch {
    return false;
  }
}

async function listen(port: number, address: string): Promise<NetServer> {
  const server = createServer().listen(port, address);
  await once(server, 'listening');
  return server;
}
