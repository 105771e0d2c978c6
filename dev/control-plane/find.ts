import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { type Download, tools as pinned, type Tool, type ToolName, version } from './table.ts';

export type Binaries = Readonly<Record<ToolName, string>>;
type Report = (line: string) => void;
type Options = { readonly report?: Report; readonly tools?: readonly Tool[]; readonly env?: NodeJS.ProcessEnv };

const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const stderr: Report = (line) => void process.stderr.write(`${line}\n`);

/** The paths of the binaries: found, or downloaded, or built, in this order. */
export async function find(options: Options = {}): Promise<Binaries> {
  const { report = stderr, tools = pinned, env = process.env } = options;
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'buildkit-controller', version);
  const existing = (tool: Tool) =>
    [env.KUBEBUILDER_ASSETS, cache].flatMap((folder) => (folder ? join(folder, tool.name) : [])).find(existsSync);
  if (!tools.every(existing)) {
    await mkdir(cache, { recursive: true });
    using _lock = await lock(cache, report);
    for (const tool of tools) if (!existing(tool)) await obtain(tool, { cache, report, env });
  }
  return Object.fromEntries(tools.map((tool) => [tool.name, existing(tool)])) as Binaries;
}

/** Waits for another process that fills the same cache. The kernel frees a SQLite lock when its holder dies. */
async function lock(cache: string, report: Report): Promise<DatabaseSync> {
  const database = new DatabaseSync(join(cache, '.lock'), { timeout: 0 });
  for (let waited = 0; ; waited += 1) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== 5) throw error; // SQLITE_BUSY
      if (waited === 0) report(`waiting for another process that fills ${cache}`);
      await sleep(200);
    }
  }
}

type Step = { readonly tool: Tool; readonly folder: string; readonly report: Report; readonly env: NodeJS.ProcessEnv };

/** Everything is made in a folder of its own and moved when whole, so an interruption leaves nothing half-written. */
async function obtain(tool: Tool, cache: string, { report, env }: Pick<Step, 'report' | 'env'>): Promise<void> {
  for (const name of await readdir(cache)) if (name.startsWith('.partial-')) await remove(join(cache, name));
  const folder = join(cache, `.partial-${process.pid}`);
  await mkdir(folder);
  const step = { tool, folder, env, report: (line: string) => report(`${tool.name}: ${line}`) };
  try {
    const download = tool.downloads[platform];
    if (!download || !(await fetchPublished(step, download))) await build(step);
    for (const name of await readdir(folder)) await rename(join(folder, name), join(cache, name));
  } finally {
    await remove(folder);
  }
}

const remove = (path: string) => rm(path, { recursive: true, force: true });

/** False where the host can't be reached or answers with an error; throws where the checksum differs. */
async function fetchPublished({ tool, folder, report }: Step, { url, checksum }: Download): Promise<boolean> {
  // A blocked host must cost a second; one that answers may take its time.
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 1000 }, headersTimeout: 20_000, bodyTimeout: 20_000 });
  const isArchive = url.endsWith('.tar.gz');
  const file = join(folder, isArchive ? 'archive' : tool.name);
  const hash = createHash(checksum.slice(0, 6));
  try {
    const response = await timed(`downloading ${url}`, report, () => fetch(url, { dispatcher }));
    if (!response.ok || !response.body) throw new Error(`HTTP status ${response.status}`);
    await timed('receiving', report, () => pipeline(response.body!, hashed(hash), createWriteStream(file, { mode: 0o755 })));
  } catch (error) {
    report(`not downloaded: ${(error as Error).message}`);
    return false;
  }
}
