/** Real buildkitd, buildctl and buildx: a worker, and what its clients print. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TlsPair } from '../../adapters/x509/signer.ts';
import type { LeasedWorker } from '../../api/http/leases.ts';
import { findFreePort, startChild } from '../../dev/child.ts';
import { find } from '../../dev/control-plane/find.ts';
import { buildkit, buildx } from '../../dev/control-plane/table.ts';
import { makeLeaf, makeWorkerPair, workerIdentity, type Cas } from './world.ts';

/** buildkitd looks at mounts and users, which takes root, and runs on Linux. */
export const canBuild = process.getuid?.() === 0 && process.platform === 'linux';

export interface Buildkitd extends AsyncDisposable {
  readonly worker: LeasedWorker;
}

export async function startBuildkitd(cas: Cas, name: string): Promise<Buildkitd> {
  const folder = await mkdtemp(join(tmpdir(), 'buildkitd-'));
  const { buildkitd } = await find(buildkit);
  const pair = makeWorkerPair(cas, name);
  const files = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': cas.gateways.certificate };
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content, { mode: 0o600 });
  // It looks for runc when it starts, and runs it for RUN, of which these builds have none: a node has it.
  await symlink('/bin/true', join(folder, 'runc'));
  const port = await findFreePort();
  const tls = ['--tlscacert', 'ca.crt', '--tlscert', 'tls.crt', '--tlskey', 'tls.key'];
  const child = await startChild({
    name: 'buildkitd',
    file: buildkitd,
    args: ['--root', join(folder, 'root'), '--addr', `tcp://127.0.0.1:${port}`, ...tls].concat([
      '--oci-worker-net=host',
      '--containerd-worker=false',
      '--oci-worker-snapshotter=native',
    ]),
    cwd: folder,
    log: join(folder, 'log'),
    environment: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
  });
  await waitForHandshake(port, cas);
  return {
    worker: { name, namespace: 'tenant-a', address: `127.0.0.1:${port}`, identity: workerIdentity(name) },
    [Symbol.asyncDispose]: async () => {
      await child.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitForHandshake(port: number, cas: Cas): Promise<void> {
  const { certificate: cert, key } = makeLeaf(cas.gateways, {});
  for (;;) {
    const socket = connect({
      host: '127.0.0.1',
      port,
      cert,
      key,
      ca: cas.root.certificate,
      checkServerIdentity: () => undefined,
    });
    try {
      await once(socket, 'secureConnect');
      return;
    } catch {
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
}

export interface Run {
  readonly status: number | string;
  /** Of both streams. */
  readonly output: string;
  readonly ms: number;
}

export interface Client {
  /** Begins a build of this Dockerfile. */
  readonly build: (dockerfile: string) => Promise<Run>;
  readonly processes: ChildProcess[];
}

interface ClientOptions {
  readonly port: number;
  readonly cas: Cas;
  readonly pair: TlsPair | undefined;
  /** Empty, and for this client alone. */
  readonly folder: string;
}

async function writeClient({ pair, cas, folder }: ClientOptions): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    'ca.crt': cas.root.certificate,
    ...(pair === undefined ? {} : { 'tls.crt': pair.certificate, 'tls.key': pair.key }),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content, { mode: 0o600 });
  return Object.keys(files).map((file) => join(folder, file));
}

async function writeContext(folder: string, dockerfile: string): Promise<string> {
  const context = await mkdtemp(join(folder, 'context-'));
  await writeFile(join(context, 'Dockerfile'), dockerfile);
  await writeFile(join(context, 'file'), 'content');
  return context;
}

export async function createBuildctl(options: ClientOptions): Promise<Client> {
  const [caFile = '', ...pairFiles] = await writeClient(options);
  const { buildctl } = await find(buildkit);
  const processes: ChildProcess[] = [];
  const tls = [
    '--tlscacert',
    caFile,
    ...pairFiles.flatMap((file) => [file.endsWith('.crt') ? '--tlscert' : '--tlskey', file]),
  ];
  return {
    processes,
    build: async (dockerfile) => {
      const context = await writeContext(options.folder, dockerfile);
      const source = ['--frontend=dockerfile.v0', '--local', `context=${context}`, '--local', `dockerfile=${context}`];
      const args = ['--addr', `tcp://127.0.0.1:${options.port}`, ...tls, 'build', '--progress=plain', ...source];
      return await run(processes, buildctl, args, options.folder);
    },
  };
}

export async function createBuildx(options: ClientOptions): Promise<Client> {
  const [caFile = '', certFile, keyFile] = await writeClient(options);
  const file = (await find(buildx)).buildx;
  const processes: ChildProcess[] = [];
  const pair = certFile === undefined ? '' : `,cert=${certFile},key=${keyFile ?? ''}`;
  const driver = ['--driver', 'remote', '--driver-opt', `cacert=${caFile}${pair},servername=localhost`];
  const created = await run(
    [],
    file,
    ['create', '--name', 'b', ...driver, `tcp://127.0.0.1:${options.port}`],
    options.folder,
  );
  if (created.status !== 0) throw new Error(created.output);
  return {
    processes,
    build: async (dockerfile) => {
      const context = await writeContext(options.folder, dockerfile);
      const args = ['build', '--builder', 'b', '--progress=plain', '--output=type=cacheonly', context];
      return await run(processes, file, args, options.folder);
    },
  };
}

/** Nothing of the user's configuration counts. */
async function run(processes: ChildProcess[], file: string, args: readonly string[], folder: string): Promise<Run> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, BUILDX_CONFIG: join(folder, 'buildx') };
  const begin = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { status: code ?? signal ?? 'unknown', output, ms: performance.now() - begin };
}

/** A download that a build waits for until it is let go: the builds of these tests have no RUN that could sleep. */
export interface SlowDownload extends AsyncDisposable {
  readonly url: string;
  readonly begun: Promise<unknown>;
  readonly finish: () => void;
}

export async function startSlowDownload(): Promise<SlowDownload> {
  const begun = Promise.withResolvers<undefined>();
  const finished = Promise.withResolvers<undefined>();
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader('content-length', 4);
    if (incoming.method === 'HEAD') {
      outgoing.end();
      return;
    }
    outgoing.write('sl');
    begun.resolve(undefined);
    void finished.promise.then(() => outgoing.end('ow'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/slow`,
    begun: begun.promise,
    finish: () => {
      finished.resolve(undefined);
    },
    [Symbol.asyncDispose]: async () => {
      finished.resolve(undefined);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
