import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { exclusively } from '../exclusive.ts';
import { ldflags, type Release, type Tool, type ToolName } from './table.ts';

/** The path of each. */
export type Binaries<Name extends string = ToolName> = Readonly<Record<Name, string>>;
type Context = { readonly env: NodeJS.ProcessEnv; readonly report: (line: string) => unknown };
type Step = Context & { readonly tool: Tool; readonly folder: string };

const toStderr: Context['report'] = console.warn;
const run = promisify(execFile);
const remove = (path: string) => rm(path, { recursive: true, force: true });
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** Each binary from KUBEBUILDER_ASSETS, from the user's cache, or else downloaded or built into that cache. */
export async function find<Name extends string>(
  { tools, release }: Release<Name>,
  { env = process.env, report = toStderr }: Partial<Context> = {},
): Promise<Binaries<Name>> {
  const cache = resolve(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'buildkit-controller', release);
  const folders = env.KUBEBUILDER_ASSETS ? [resolve(env.KUBEBUILDER_ASSETS), cache] : [cache];
  const locate = ({ name }: Tool) => folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (!tools.every(locate)) {
    await makeFolder(cache);
    const fill = async () => {
      for (const tool of tools) if (!locate(tool)) await obtain(tool, cache, { env, report });
    };
    await exclusively(join(cache, '.lock'), fill, () => report(`waiting for another process that fills ${cache}`));
  }
  return Object.fromEntries(tools.map((tool) => [tool.name, locate(tool)])) as Binaries<Name>;
}

async function makeFolder(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true }).catch((error: unknown) => {
    const remedy = 'set XDG_CACHE_HOME to a folder that you may write';
    throw new Error(`${cache} can't be made (${(error as NodeJS.ErrnoException).code ?? ''}): ${remedy}`, {
      cause: error,
    });
  });
}

/** Everything is made in a folder of its own and moved when whole, so an interruption leaves nothing half-written. */
async function obtain(tool: Tool, cache: string, { env, report }: Context): Promise<void> {
  for (const name of await readdir(cache)) if (name.startsWith('.partial-')) await remove(join(cache, name));
  const folder = join(cache, `.partial-${process.pid}`);
  await mkdir(folder);
  const step = { tool, folder, env, report: (line: string) => report(`${tool.name}: ${line}`) };
  const begin = performance.now();
  const timer = setInterval(() => step.report(`${Math.round((performance.now() - begin) / 1000)} s so far`), 15_000);
  try {
    if (!(await download(step))) await build(step);
    for (const name of await readdir(folder)) await rename(join(folder, name), join(cache, name));
  } finally {
    clearInterval(timer);
    await remove(folder);
  }
}

/** False where nothing is published or its host is out of reach. A wrong checksum throws: nothing is built instead. */
async function download({ tool, folder, report }: Step): Promise<boolean> {
  const checksum = tool.published?.checksums[platform];
  if (tool.published === undefined || checksum === undefined) return false;
  const url = tool.published.url(platform);
  const isArchive = url.endsWith('.tar.gz');
  const file = join(folder, isArchive ? 'archive' : tool.name);
  report(`downloading ${url}`);
  // A host out of reach costs a second, not a minute; one that answers may take its time.
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 1000 }, headersTimeout: 20_000, bodyTimeout: 20_000 });
  try {
    const response = await fetch(url, { dispatcher });
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    await pipeline(response.body, createWriteStream(file, { mode: 0o755 }));
  } catch (error) {
    report(`not downloaded: ${String((error as Error).cause ?? error)}`);
    await remove(file);
    return false;
  }
  const [algorithm = ''] = checksum.split(':');
  const received = `${algorithm}:${hash(algorithm, await readFile(file))}`;
  if (received !== checksum) throw new Error(`checksum of ${url}: expected ${checksum}, got ${received}`);
  if (isArchive) await run('tar', ['-xzf', file, '-C', folder, '--strip-components=2']).finally(() => remove(file));
  return true;
}

const goSettings = { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'auto', GOWORK: 'off' };
/** Such a binary runs on a machine without the library. */
const linkedStatically = '-linkmode external -extldflags -static';

async function build({ tool, folder, report, env }: Step): Promise<void> {
  const tags = tool.goTags === undefined ? [] : ['-tags', tool.goTags];
  const linking = tool.c === undefined ? ldflags : `${ldflags} ${linkedStatically}`;
  const args = ['build', '-trimpath', '-ldflags', linking, ...tags, '-o', join(folder, tool.name), tool.goPackage];
  const cwd = join(import.meta.dirname, 'go', tool.goModule);
  const goEnv = { ...env, CGO_ENABLED: tool.c === undefined ? '0' : '1', ...goSettings };
  report('building with Go, which takes minutes the first time');
  try {
    await run('go', args, { cwd, env: goEnv });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const reason = code === 'ENOENT' ? 'Go is not installed' : stderr.trim().split('\n').slice(-2).join('; ');
    const library = tool.c === undefined ? '' : `, and a C compiler and ${tool.c.debianPackage}`;
    const remedy = `install Go 1.26 or newer${library}, or connect this machine to github.com and dl.k8s.io`;
    throw new Error(`${tool.name} can be neither downloaded nor built (${reason}): ${remedy}`, { cause: error });
  }
}
