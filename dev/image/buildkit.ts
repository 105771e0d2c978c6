/** BuildKit as it is built for this checkout: a daemon for one build, or the one of `BUILDKIT_HOST`. */
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from '../child.ts';
import { find } from '../control-plane/find.ts';
import { buildkit } from '../control-plane/table.ts';

/** Far more than a build takes here; a daemon that hangs must not hold a pipeline. */
const buildTimeoutMs = 300_000;

/** Runs `buildctl build` with these arguments. `folder` is empty, and for what the daemon needs meanwhile. */
export async function runBuild(folder: string, args: readonly string[]): Promise<void> {
  const { buildkitd, buildctl } = await find(buildkit);
  const host = process.env['BUILDKIT_HOST'];
  if (host !== undefined) return runBuildctl(buildctl, host, args);
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    throw new Error('buildkitd starts as root on Linux only: elsewhere BUILDKIT_HOST must name one that runs');
  }
  await mkdir(folder, { recursive: true });
  // It looks for runc when it starts, and runs it for RUN, of which the Containerfile has none.
  await symlink('/bin/false', join(folder, 'runc'));
  const address = `unix://${join(folder, 'buildkitd.sock')}`;
  const daemon = await startChild({
    name: 'buildkitd',
    file: buildkitd,
    args: ['--root', join(folder, 'root'), '--addr', address, '--oci-worker-net=host', '--containerd-worker=false'],
    cwd: folder,
    log: join(folder, 'buildkitd.log'),
    environment: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
  });
  try {
    await runBuildctl(buildctl, address, args);
  } finally {
    await daemon.end();
  }
}

async function runBuildctl(buildctl: string, address: string, args: readonly string[]): Promise<void> {
  const options = ['--addr', address, '--wait', 'build', '--progress=plain', '--frontend=dockerfile.v0', ...args];
  try {
    await promisify(execFile)(buildctl, options, { timeout: buildTimeoutMs, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`buildctl: ${stderr.trim().split('\n').slice(-3).join('; ')}`, { cause: error });
  }
}
