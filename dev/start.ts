/** `npm start`: the whole system on this machine, until Ctrl-C, or for one command (`--exec`, `--demo`). */
import { spawn } from 'node:child_process';
import { copyFile, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PORTS } from '../api/names.ts';
import { endGroupWith, findFreePort, isPortFree, type Child } from './child.ts';
import { playDemo } from './demo.ts';
import { tryLock } from './exclusive.ts';
import { find } from './control-plane/find.ts';
import { buildkit, buildx } from './control-plane/table.ts';
import { findMissingRequirement } from './node/requirements.ts';
import type { NodeStack } from './node/stack.ts';
import { parseOptions, usage, type Options } from './options.ts';
import { makeScreen } from './screen.ts';
import type { Stack } from './stack.ts';
import { createWatchdog } from './watchdog.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.dev');
/** A CronJob runs the authority every day; here somebody who asked for a rotation is watching. */
const authorityPeriodMs = 10_000;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return void process.stdout.write(usage);
  const missing = options.node ? await findMissingRequirement() : undefined;
  if (missing !== undefined) throw new Error(`--node: ${missing}`);
  const claim = await takeFolder();
  const status = await serve({ ...options, port: await choosePort(options) }).finally(removeKeys);
  claim.close();
  process.exit(status);
}

type Chosen = Options & { readonly port: number };

/** Runs the system until it is interrupted, a part of it ends, or its one command has ended; resolves with the status. */
async function serve(options: Chosen): Promise<number> {
  const interrupted = Promise.withResolvers<number>();
  // A server that is interrupted has done its work; a command that is interrupted has not.
  onInterruption((signal) => {
    interrupted.resolve(isServing(options) ? 0 : 128 + constants.signals[signal]);
  });
  const watchdog = createWatchdog();
  const children: Child[] = [];
  const bringUp = await loadStack(options);
  const starting = bringUp({
    folder,
    port: options.port,
    report: say,
    watch: (child) => {
      children.push(child);
      watchdog.watch(child);
    },
  });
  const stack = await Promise.race([starting, interrupted.promise]);
  if (typeof stack === 'number') return await endAll(children, stack);
  const ending = new AbortController();
  if (stack.renewKeys !== undefined) void runAuthorityNowAndThen(stack.renewKeys, ending.signal);
  const status = await Promise.race([run(options, stack, ending.signal), interrupted.promise, failure(stack)]);
  ending.abort();
  await stack.stop();
  watchdog.release();
  return status;
}

/** Loaded when it is started: a refusal needs none of it, nor the Kubernetes client, which another user may not read. */
const loadStack = async ({ node }: Options) =>
  node ? (await import('./node/stack.ts')).bringUpOnNode : (await import('./stack.ts')).bringUp;

const isServing = ({ exec, demo }: Options): boolean => exec === undefined && !demo;

async function choosePort(options: Options): Promise<number> {
  const port = options.port ?? (isServing(options) ? PORTS.functions : await findFreePort());
  if (await isPortFree(port)) return port;
  throw new Error(`port ${port} is in use: stop what listens there, or choose another with npm start -- --port PORT`);
}

/** Interrupted before all was up: what has been started ends, the latest first. */
async function endAll(children: readonly Child[], status: number): Promise<number> {
  for (const child of children.toReversed()) await child.end();
  return status;
}

/** What is not of one run: the claim, and the Kubernetes client that the launcher has bundled. */
const isLasting = (name: string): boolean => name.startsWith('lock') || name === 'pid' || name === 'library';

/** Of a run only its logs outlive it: the rest of `.dev` holds tokens and the keys of CAs. */
async function removeKeys(): Promise<void> {
  for (const name of await readdir(folder)) if (!isLasting(name)) await keepLogs(join(folder, name));
}

async function keepLogs(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) {
    if (!path.endsWith('.log')) await rm(path, { force: true });
    return;
  }
  for (const name of await readdir(path)) await keepLogs(join(path, name));
}

/** Claims `.dev` for this process and empties it: every start begins afresh. The claim lasts while it is referenced. */
async function takeFolder(): Promise<{ close: () => void }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pidFile = join(folder, 'pid');
  const lock = tryLock(join(folder, 'lock'));
  if (lock === undefined)
    throw new Error(`already running in this checkout, as process ${await readFile(pidFile, 'utf8')}`);
  await writeFile(pidFile, String(process.pid));
  for (const name of await readdir(folder)) {
    if (!isLasting(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  return lock;
}

async function runAuthorityNowAndThen(renewKeys: Stack['renewKeys'], ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await sleep(authorityPeriodMs, undefined, { ref: false });
    await renewKeys().catch((error: unknown) => {
      if (!ending.aborted) say(`authority: ${(error as Error).message}`);
    });
  }
}

async function run(options: Chosen, stack: NodeStack, ending: AbortSignal): Promise<number> {
  const kubeconfig = join(folder, 'kubeconfig');
  await copyFile(stack.kubeconfig, kubeconfig);
  const path = (await findClients(options, stack)).map((file) => dirname(file)).join(delimiter);
  const environment = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    API_URL: stack.apiUrl,
    PATH: `${path}${delimiter}${process.env['PATH'] ?? ''}`,
  };
  if (options.exec !== undefined) return await runShell(options.exec, environment, ending);
  if (options.demo) return await playDemo(demoPage(options), environment, ending);
  process.stdout.write(
    makeScreen({
      apiserver: stack.controlPlane.url,
      apiUrl: stack.apiUrl,
      port: options.port,
      path,
      page: demoPage(options),
    }),
  );
  return await new Promise<number>(() => undefined);
}

const demoPage = ({ node }: Options): string => (node ? 'docs/demo-build.md' : 'docs/demo.md');

/** What the commands of the pages call: kubectl, and where builds run, buildctl and buildx. */
async function findClients({ node }: Options, { binaries }: NodeStack): Promise<string[]> {
  if (!node) return [binaries.kubectl];
  const [{ buildctl }, { buildx: client }] = [
    await find(buildkit, { report: say }),
    await find(buildx, { report: say }),
  ];
  return [binaries.kubectl, buildctl, client];
}

function runShell(command: string, env: NodeJS.ProcessEnv, ending: AbortSignal): Promise<number> {
  // A command that may read the terminal must stay in its foreground group.
  const child = spawn('sh', ['-c', command], { stdio: 'inherit', cwd: root, env, detached: !process.stdin.isTTY });
  endGroupWith(ending, child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

async function failure(stack: NodeStack): Promise<number> {
  const { name, status } = await stack.exited;
  say(`${name} ended unexpectedly (${status}): stopping; its log is in ${folder}`);
  return 1;
}

function onInterruption(act: (signal: NodeJS.Signals) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, act);
  // The launcher was killed: nobody is left who would pass on a signal.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) act('SIGTERM');
  }, 500).unref();
}

try {
  await main();
} catch (error) {
  say(`npm start: ${(error as Error).message}`);
  process.exit(1);
}
