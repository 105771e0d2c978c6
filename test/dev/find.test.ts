import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { find } from '../../dev/control-plane/find.ts';
import * as table from '../../dev/control-plane/table.ts';

const { controlPlane, version } = table;
const releases: table.Release[] = Object.values(table).filter((entry) => typeof entry === 'object');
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const archived = ['etcd', 'kube-apiserver', 'kubectl'] as const;

let folder: string;
let cache: string;
let env: Record<string, string>;
let requests: string[];
let lines: string[];
const closeLater: Server[] = [];
const report = (line: string) => lines.push(line);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-'));
  cache = join(folder, 'cache/buildkit-controller', version);
  await mkdir(join(folder, 'path'));
  // tar unpacks with gzip; there is no Go.
  for (const name of ['tar', 'gzip'])
    await writeProgram(name, `exec ${execFileSync('which', [name]).toString().trim()} "$@"`);
  env = { XDG_CACHE_HOME: join(folder, 'cache'), PATH: join(folder, 'path') };
  [requests, lines] = [[], []];
});
afterEach(async () => {
  for (const server of closeLater.splice(0)) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(folder, 'path', name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'path', name), 0o755);
}

async function listen(server: Server): Promise<string> {
  closeLater.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An archive laid out as the published one, and a server that hands it out. */
async function publish(): Promise<{ url: string; checksum: string }> {
  const binaries = join(folder, 'controller-tools/envtest');
  await mkdir(binaries, { recursive: true });
  for (const name of archived) await writeFile(join(binaries, name), `${name} from the archive`);
  const archive = join(folder, 'envtest.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', folder, 'controller-tools']);
  const bytes = await readFile(archive);
  const server = createHttpServer((request, response) => {
    requests.push(request.url ?? '');
    response.end(bytes);
  });
  const url = `http://${await listen(server)}/envtest.tar.gz`;
  return { url, checksum: `sha512:${createHash('sha512').update(bytes).digest('hex')}` };
}

/** The first of what the archive holds, or all. */
function publishedAt(url: string, checksum = 'sha512:00', count: number = archived.length) {
  const published = { url: () => url, checksums: { [platform]: checksum } };
  const tools = controlPlane.tools.filter(({ name }) => archived.some((other) => other === name)).slice(0, count);
  return { ...controlPlane, tools: tools.map((tool) => ({ ...tool, published })) };
}

test('pins a checksum for every download, of the length its algorithm has', () => {
  const lengths = { sha256: 64, sha512: 128 };
  for (const { published } of releases.flatMap(({ tools }) => tools)) {
    for (const checksum of Object.values(published?.checksums ?? {})) {
      const [algorithm, hex] = checksum.split(':') as [keyof typeof lengths, string];
      expect(hex).toMatch(new RegExp(`^[0-9a-f]{${lengths[algorithm]}}$`));
    }
  }
});

test('names for each command a tool line, in a module of the version that its folder in the cache has', async () => {
  for (const { release, tools } of releases) {
    for (const { goModule, goPackage } of tools) {
      const module = join(import.meta.dirname, '../../dev/control-plane/go', goModule);
      // A program of ours is no dependency of its module.
      if (goPackage.startsWith('.')) {
        expect(await readdir(join(module, goPackage))).toContain('main.go');
        continue;
      }
      const goMod = await readFile(join(module, 'go.mod'), 'utf8');
      expect(goMod).toMatch(new RegExp(`^(tool )?\\s*${goPackage}$`, 'm'));
      if (goModule !== 'etcd') expect(goMod).toContain(` ${release.replace(`${goModule}-`, '')} // indirect`);
    }
  }
});

test('prefers KUBEBUILDER_ASSETS to the cache, binary by binary', async () => {
  const assets = join(folder, 'assets');
  await mkdir(assets);
  await mkdir(cache, { recursive: true });
  await writeFile(join(assets, 'etcd'), '');
  for (const { name } of controlPlane.tools) await writeFile(join(cache, name), '');
  expect(await find(controlPlane, { env: { ...env, KUBEBUILDER_ASSETS: assets } })).toEqual({
    etcd: join(assets, 'etcd'),
    'kube-apiserver': join(cache, 'kube-apiserver'),
    'kube-controller-manager': join(cache, 'kube-controller-manager'),
    kubectl: join(cache, 'kubectl'),
  });
});

test('downloads an archive once for all binaries that it holds', async () => {
  const { url, checksum } = await publish();
  const binaries = await find(publishedAt(url, checksum), { env, report });
  expect(await readFile(binaries.kubectl, 'utf8')).toBe('kubectl from the archive');
  expect((await readdir(cache)).sort()).toEqual(['.lock', 'etcd', 'kube-apiserver', 'kubectl']);
  expect(requests).toEqual(['/envtest.tar.gz']);
  expect(lines).toEqual([`etcd: downloading ${url}`]);
});

test('downloads a single binary as an executable', async () => {
  const { url: archive } = await publish();
  const url = archive.replace('.tar.gz', '');
  const checksum = `sha256:${createHash('sha256')
    .update(await readFile(join(folder, 'envtest.tar.gz')))
    .digest('hex')}`;
  const { etcd } = await find(publishedAt(url, checksum, 1), { env, report });
  await expect(readFile(etcd)).resolves.toEqual(await readFile(join(folder, 'envtest.tar.gz')));
  expect(execFileSync('test', ['-x', etcd])).toBeDefined();
});

test('refuses a download whose checksum differs, and keeps nothing of it', async () => {
  const { url, checksum } = await publish();
  await expect(find(publishedAt(url), { env, report })).rejects.toThrow(
    `checksum of ${url}: expected sha512:00, got ${checksum}`,
  );
  expect(await readdir(cache)).toEqual(['.lock']);
});

test('lets one caller wait while another fills the cache', async () => {
  const { url, checksum } = await publish();
  const findThem = () => find(publishedAt(url, checksum), { env, report });
  const [first, second] = await Promise.all([findThem(), findThem()]);
  expect(first).toEqual(second);
  expect(requests).toHaveLength(1);
  expect(lines).toContain(`waiting for another process that fills ${cache}`);
});

test('removes what an interrupted run left', async () => {
  await mkdir(join(cache, '.partial-1'), { recursive: true });
  const { url, checksum } = await publish();
  await find(publishedAt(url, checksum), { env, report });
  expect(await readdir(cache)).not.toContain('.partial-1');
});

test('gives up on a host that does not answer after about a second', async () => {
  const silent = await listen(createServer());
  const begin = performance.now();
  await expect(find(publishedAt(`https://${silent}/x.tar.gz`), { env, report })).rejects.toThrow('Go is not installed');
  expect(performance.now() - begin).toBeLessThan(4000);
  expect(lines.join('\n')).toMatch(/etcd: not downloaded: .*Connect Timeout/);
});

test('builds with Go what can not be downloaded', async () => {
  await writeProgram('go', 'echo "$PWD $CGO_ENABLED $GOFLAGS" > "$6"; echo "$7" >> "$6"');
  const binaries = await find(publishedAt('http://127.0.0.1:1/x.tar.gz'), { env, report });
  const modules = join(import.meta.dirname, '../../dev/control-plane/go');
  expect(await readFile(binaries.etcd, 'utf8')).toBe(`${modules}/etcd 0 -mod=readonly\ngo.etcd.io/etcd/server/v3\n`);
  expect(await readFile(binaries.kubectl, 'utf8')).toBe(
    `${modules}/kubernetes 0 -mod=readonly\nk8s.io/kubernetes/cmd/kubectl\n`,
  );
  expect(lines).toContain('kubectl: building with Go, which takes minutes the first time');
});

test('says in one sentence what to do where there is neither Go nor a network', async () => {
  await expect(find(publishedAt('http://127.0.0.1:1/x.tar.gz'), { env, report })).rejects.toThrow(
    /^etcd can be neither downloaded nor built \(Go is not installed\): install Go 1.26 or newer, or connect this machine to github.com and dl.k8s.io$/,
  );
  expect(await readdir(cache)).toEqual(['.lock']);
});
