/** What of kind can be tried without an engine that runs containers. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findMissingEngine } from '../../dev/kind/engine.ts';

const root = join(import.meta.dirname, '../..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kind-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Docker is not reached whether this machine has it or not. */
const withoutDocker = { DOCKER_HOST: 'unix:///nowhere', KIND_EXPERIMENTAL_PROVIDER: 'docker' };

function type(command: string, args: readonly string[], env: NodeJS.ProcessEnv = withoutDocker) {
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(command, args, { cwd: root, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stdout, stderr });
    });
  });
}

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

/** An engine that has the image of a node and no containers, and can start none: kind gets as far as to ask for one. */
async function makeEmptyEngine(): Promise<NodeJS.ProcessEnv> {
  await writeProgram(
    'docker',
    'case $1 in info) echo "{}" ;; ps | inspect) ;; version) echo Docker ;; *) echo "no $1" >&2; exit 1 ;; esac',
  );
  return { KIND_EXPERIMENTAL_PROVIDER: 'docker', PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
}

describe('npx kind', () => {
  it('is the real one', async () => {
    const { status, stdout } = await type('npx', ['kind', 'version']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^kind v\d+\.\d+\.\d+ go/);
  });

  it('ends with the status of kind', async () => {
    const { status, stderr } = await type('npx', ['kind', 'make', 'cluster']);
    expect({ status, said: stderr.split('\n')[0] }).toEqual({
      status: 1,
      said: 'ERROR: unknown command "make" for "kind"',
    });
  });
});

describe('dev/kind/cluster.yaml', () => {
  const create = async (config: string) => {
    const file = join(folder, 'cluster.yaml');
    await writeFile(file, config);
    const env = await makeEmptyEngine();
    const { stderr } = await type(process.execPath, ['dev/kind/main.ts', 'create', 'cluster', '--config', file], env);
    return stderr;
  };
  const read = () => readFile(join(root, 'dev/kind/cluster.yaml'), 'utf8');

  it('is taken by kind, which then wants to start its nodes', async () => {
    expect(await create(await read())).toContain('Creating cluster "buildkit" ...');
  });

  it.each([
    ['role: control-plane', 'rolle: control-plane', 'unable to decode config'],
    ['role: control-plane', 'role: worker', 'failed to create cluster: must have at least one control-plane node'],
  ])('is judged by kind: %s written as %s', async (right, wrong, message) => {
    const said = await create((await read()).replace(right, wrong));
    expect(said).toContain(message);
    expect(said).not.toContain('Creating cluster');
  });
});

describe('npm run kind', () => {
  it('says in one sentence that Docker does not answer, before anything is built', async () => {
    const before = await readdir(join(root, 'dist')).catch(() => []);
    const { status, stdout, stderr } = await type('npm', ['run', '--silent', 'kind']);
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'npm run kind: Docker, in which kind runs its nodes, does not answer: start it; npm start runs the system without it\n',
    });
    expect(await readdir(join(root, 'dist')).catch(() => [])).toEqual(before);
  });

  it('says that it is not installed', async () => {
    expect(await findMissingEngine({ PATH: '/nowhere' })).toBe(
      'Docker, in which kind runs its nodes, is not installed; npm start runs the system without it',
    );
    expect(await findMissingEngine({ PATH: '/nowhere', KIND_EXPERIMENTAL_PROVIDER: 'podman' })).toMatch(/^Podman, /);
    expect(await findMissingEngine({ KIND_EXPERIMENTAL_PROVIDER: 'lxc' })).toBe(
      'KIND_EXPERIMENTAL_PROVIDER: expected one of docker, podman, nerdctl',
    );
  });
});
