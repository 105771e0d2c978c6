import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, parts } from '../../dev/build.ts';
import { findFreePort } from '../../dev/child.ts';
import { openArchive, type ImageManifest } from '../../dev/image/archive.ts';
import { nameSbom } from '../../dev/image/build.ts';
import { nativePlatform } from '../../dev/image/platforms.ts';
import { makeClientCa, writeClientCa } from '../adapters/x509/client-ca.ts';
import { encode } from '../tokens.ts';
import { serveArchive } from './registry.ts';
import { runFromPage } from './image-page.ts';
import { findForbidden, listEntries, signalInside, startIn, unpackLayers, waitForAnswer } from './rootfs.ts';

const root = join(import.meta.dirname, '../..');
const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
/** A build takes seconds, and more while others work. */
const buildTimeoutMs = 300_000;
const isAble = isRoot && existsSync('/usr/bin/apt-get');

let folder: string;
let archive: string;
let images: ImageManifest[];
let native: ImageManifest;
let rootfs: string;

beforeAll(async () => {
  if (!isAble) return;
  folder = await mkdtemp(join(tmpdir(), 'image-test-'));
  archive = join(folder, 'image.tar');
  await runFromPage(/^.* --platform linux\/amd64,linux\/arm64$/m, archive);
  mkdirSync(join(folder, 'oci'));
  images = await openArchive(archive, join(folder, 'oci'));
  native = images.find(({ platform }) => platform === nativePlatform) as ImageManifest;
  rootfs = join(folder, 'rootfs');
  await unpackLayers(join(folder, 'oci'), native, rootfs);
});
afterAll(async () => {
  if (isAble) await rm(folder, { recursive: true, force: true });
});

/** A container of the native image: what its configuration says, with these arguments and variables. */
function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { Entrypoint, Env } = native.config.config as { Entrypoint: string[]; Env: string[] };
  const own = Object.fromEntries(Env.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  return startIn({ rootfs, command: [...Entrypoint, ...args], environment: { ...own, ...environment } });
}

async function runToEnd(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = start(args, environment);
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);
  return { status, stderr };
}

/** The nearest package.json tells what a file belongs to. */
function readOwner(file: string): Record<'name' | 'version' | 'license', string> {
  let at = dirname(file);
  while (!('name' in readPackage(at))) at = dirname(at);
  return readPackage(at) as ReturnType<typeof readOwner>;
}
const readPackage = (at: string): object =>
  existsSync(join(at, 'package.json')) ? (JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as object) : {};

describe.skipIf(!isAble)('the image (buildkitd runs as root, on Linux; its base comes by apt-get)', () => {
  it('is one for amd64 and for arm64, under one digest', () => {
    expect(images.map(({ platform }) => platform).sort()).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it('says who it is and whom it runs as', () => {
    expect(native.config.config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['/usr/bin/node', '/app/main.mjs'],
      Labels: {
        'org.opencontainers.image.title': 'BuildKit Controller',
        'org.opencontainers.image.version': '0.1.0',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    });
  });

  it(
    'has the same digest on another day, under another umask, whatever it is built with',
    async () => {
      const again = join(folder, 'again.tar');
      const { stdout } = await runFromPage(/^npm run image -- --output \S+$/m, again, { umask: '077' });
      expect(stdout).toMatch(
        /^.*again\.tar\nsha256:[0-9a-f]{64}\nlinux\/\w+: \d+\.\d MB to fetch, \d+\.\d MB unpacked\n$/,
      );
      mkdirSync(join(folder, 'again'));
      const [image] = await openArchive(again, join(folder, 'again'));
      expect(image?.digest).toBe(native.digest);
    },
    buildTimeoutMs,
  );

  it(
    'stands on another base where one is named, and leaves that out of its bill of materials',
    async () => {
      const registry = await serveArchive(join(folder, 'oci'));
      const output = join(folder, 'based.tar');
      try {
        const base = `${registry.host}/base@${native.digest}`;
        await runFromPage(/^.* --base .*$/m, output, { base });
      } finally {
        registry.close();
      }
      mkdirSync(join(folder, 'based'));
      const [image] = await openArchive(output, join(folder, 'based'));
      expect(image?.layers.slice(0, native.layers.length)).toMatchObject(native.layers);
      const [, architecture = ''] = nativePlatform.split('/');
      const sbom = readFileSync(nameSbom(output, architecture), 'utf8');
      expect(sbom).toContain('"libatomic1"');
      expect(sbom).not.toContain('"libc6"');
    },
    buildTimeoutMs,
  );

  describe('its files', () => {
    it.each(['linux/amd64', 'linux/arm64'])(
      '%s: no shell, no package manager, no key, nothing to write',
      async (name) => {
        const image = images.find(({ platform }) => platform === name) as ImageManifest;
        const unpacked = name === nativePlatform ? rootfs : join(folder, 'other');
        if (unpacked !== rootfs) await unpackLayers(join(folder, 'oci'), image, unpacked);
        const entries = listEntries(unpacked);
        expect(findForbidden(entries)).toEqual([]);
        const loader = name === 'linux/amd64' ? 'lib64/ld-linux-x86-64.so.2' : 'lib/ld-linux-aarch64.so.1';
        expect(readdirSync(unpacked).sort()).toEqual(['app', 'etc', dirname(loader), 'usr', 'var']);
        const started = entries.filter(({ stats }) => stats.isFile() && (stats.mode & 0o111) !== 0);
        expect(started.map(({ path }) => path).sort()).toEqual([
          loader,
          'usr/bin/node',
          expect.stringMatching(/libc\.so\.6$/),
        ]);
        expect(
          started
            .find(({ path }) => path === 'usr/bin/node')
            ?.read()
            .readUInt16LE(18),
        ).toBe(name === 'linux/amd64' ? 62 : 183);
      },
    );

    it('are the parts, their licences and nothing of tests or development', () => {
      const bundles = Object.keys(parts).map((part) => `${part}.mjs`);
      const others = ['compile-cache', 'licenses', 'main.mjs', 'sbom.spdx.json'];
      const isLegal = (name: string) => bundles.includes(name.replace(/\.LEGAL\.txt$/, ''));
      const found = readdirSync(join(rootfs, 'app')).filter((name) => bundles.includes(name) || !isLegal(name));
      expect(found.sort()).toEqual([...bundles, ...others].sort());
    });

    it('would be found: a shell, a key, a token, what others may write, what runs as its owner', () => {
      const planted = join(folder, 'planted');
      mkdirSync(planted);
      const key = execFileSync('openssl', ['genpkey', '-algorithm', 'ED25519'], { encoding: 'utf8' });
      const token = `${encode({ alg: 'RS256', kid: 'one' })}.${encode({ iss: 'https://issuer.internal' })}.AAAA`;
      const files = { sh: '', npm: '', 'tls.key': key, token, open: '', raised: '', secret: '', foreign: '' };
      for (const [name, content] of Object.entries(files)) writeFileSync(join(planted, name), content, { mode: 0o644 });
      chmodSync(join(planted, 'open'), 0o666);
      chmodSync(join(planted, 'raised'), 0o4755);
      chmodSync(join(planted, 'secret'), 0o600);
      execFileSync('chown', ['10001', join(planted, 'foreign')]);
      expect(findForbidden(listEntries(planted)).sort()).toEqual([
        'foreign: not owned by root',
        'npm: a shell or a package manager',
        'open: others than its owner may write',
        'raised: runs with the rights of its owner',
        'secret: not everybody may read',
        'sh: a shell or a package manager',
        'tls.key: a key or a token',
        'token: a key or a token',
      ]);
    });
  });

  describe('its bill of materials', () => {
    interface Listed {
      readonly name: string;
      readonly versionInfo: string;
      readonly licenseDeclared: string;
    }
    const readPackages = () =>
      (JSON.parse(readFileSync(join(rootfs, 'app/sbom.spdx.json'), 'utf8')) as { packages: Listed[] }).packages;

    it('names every package whose code is in a bundle, with version and licence', async () => {
      const { outputs } = await bundle(join(folder, 'bundles'));
      const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
      const owners = inputs.filter(([, input]) => input.bytesInOutput > 0).map(([path]) => readOwner(join(root, path)));
      expect(owners.map(({ name }) => name)).toEqual(expect.arrayContaining(['buildkit-controller', 'hono', 'zod']));
      for (const { name, version, license } of owners) {
        expect(readPackages()).toContainEqual(
          expect.objectContaining({ name, versionInfo: version, licenseDeclared: license }),
        );
      }
    });

    it('names Node as it runs, and the packages of the base as scanners find them', () => {
      const version = execFileSync('chroot', [rootfs, '/usr/bin/node', '--version'], { encoding: 'utf8' });
      const node = readPackages().find(({ name }) => name.startsWith('node-linux-'));
      expect(`v${node?.versionInfo ?? ''}`).toBe(version.trim());
      const status = join(rootfs, 'var/lib/dpkg/status.d');
      for (const name of readdirSync(status)) {
        const versionInfo = /^Version: (.*)$/m.exec(readFileSync(join(status, name), 'utf8'))?.[1];
        expect(readPackages()).toContainEqual(expect.objectContaining({ name, versionInfo }));
        expect(existsSync(join(rootfs, 'usr/share/doc', name, 'copyright'))).toBe(true);
      }
    });

    it('lies beside the archive, too', () => {
      const [, architecture = ''] = nativePlatform.split('/');
      expect(readFileSync(nameSbom(archive, architecture))).toEqual(readFileSync(join(rootfs, 'app/sbom.spdx.json')));
    });
  });

  describe('a container of it, on a read-only root, as any uid', () => {
    it.each(Object.keys(parts))('%s tells what its environment lacks, from the cache', async (part) => {
      const { status, stderr } = await runToEnd([part], { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
      expect(stderr).toMatch(/environment: expected [A-Z_]+(, [A-Z_]+)+ to be set/);
      expect(stderr).toContain(`code cache for ESM file:///app/${part}.mjs was accepted`);
      expect(status).toBe(1);
    });

    it.each([
      [[], 'none'],
      [['gateways'], '"gateways"'],
      [['../app/api'], '"../app/api"'],
      [['api', 'status'], '"api status"'],
    ])('%j: one sentence that names the parts', async (args, got) => {
      const { status, stderr } = await runToEnd(args);
      expect(stderr).toBe(
        `expected one argument, the part to run: ${Object.keys(parts).sort().join(', ')}; got ${got}\n`,
      );
      expect(status).toBe(2);
    });

    it('api serves, and ends when it is told to', async () => {
      const mounts = join(rootfs, 'mounts');
      mkdirSync(mounts);
      await writeClientCa(mounts, makeClientCa('dev.buildkit.internal', Math.floor(Date.now() / 1000)));
      writeFileSync(join(mounts, 'token'), `${encode({ alg: 'RS256' })}.${encode({ iss: 'https://cluster' })}.AAAA`);
      const port = await findFreePort();
      const child = start(['api'], {
        HOST: '127.0.0.1',
        PORT: String(port),
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: '1',
        ACCOUNT_FOLDER: '/mounts',
        CA_FOLDER: '/mounts',
        CLUSTER_FQDN: 'dev.buildkit.internal',
        PRIVATE_ISSUERS: 'off',
      });
      const ended = once(child, 'exit');
      try {
        expect(await waitForAnswer(child, `http://127.0.0.1:${port}/healthz`)).toBe(200);
        signalInside(child, 'SIGTERM');
        expect(await ended).toEqual([0, null]);
      } finally {
        if (child.exitCode === null) signalInside(child, 'SIGKILL');
        await ended;
        rmSync(mounts, { recursive: true });
      }
    });
  });
});
