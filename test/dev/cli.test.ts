/** `bkctl` as a process, on a real apiserver: what docs/operations.md shows. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { bkctl, makePerson as makeKubeconfig } from './bkctl.ts';
import { bringUpSystem, type TestSystem } from './webhooks.ts';

const root = join(import.meta.dirname, '../..');

let folder: string;
let system: TestSystem;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  system = await bringUpSystem();
});
afterAll(async () => {
  await system.end();
  await rm(folder, { recursive: true, force: true });
});

const makePerson = (name: string) => makeKubeconfig(system, name, folder);

const certificate =
  /^(root|clients|servers|api-tls|webhooks|webhook-tls) +(current|next) +(itself|root|servers|webhooks) +\S+Z(?: +(\w+) from \S+Z)?$/;

const mask = (table: string) =>
  table
    .trimEnd()
    .split('\n')
    .map((line) => certificate.exec(line)?.slice(1).join(' ').trimEnd() ?? line);

const header = 'CERTIFICATE   ROLE      SIGNED BY   EXPIRES                NEXT';

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const shown = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);

/** The commands of docs/operations.md that begin like this, as they stand there. */
function runShown(beginning: string): void {
  const commands = shown.find((text) => text.startsWith(beginning));
  if (commands === undefined) throw new Error(`docs/operations.md: expected a block that begins with ${beginning}`);
  const path = `${dirname(system.stack.binaries.kubectl)}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, KUBECONFIG: system.stack.kubeconfig, PATH: path };
  execFileSync('bash', ['-ec', commands], { cwd: root, env, stdio: 'pipe' });
}

describe('bkctl', () => {
  it('shows the CAs to whoever may see the trust bundle', async () => {
    const { status, stdout, stderr } = await bkctl(system.stack.kubeconfig, 'ca', 'show');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(mask(stdout)).toEqual([
      header,
      'root current itself replace',
      'clients current root renew',
      'servers current root renew',
      'api-tls current servers renew',
      'webhooks current itself replace',
      'webhook-tls current webhooks renew',
    ]);
  });

  it('shows nothing to others, and says whose right is missing', async () => {
    const stranger = await makePerson('stranger');
    expect(await bkctl(stranger, 'ca', 'show')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'bkctl: configmaps "buildkit-trust-bundle" is forbidden: User "system:serviceaccount:tenant:stranger" cannot get resource "configmaps" in API group "" in the namespace "buildkit-system"\n',
    });
  });

  it('says that the apiserver is not there', async () => {
    const config = parse(await system.run('config', 'view', '--raw', '-o', 'yaml')) as {
      clusters: { cluster: { server: string } }[];
    };
    for (const { cluster } of config.clusters) cluster.server = 'https://127.0.0.1:9';
    const file = join(folder, 'nowhere');
    await writeFile(file, stringify(config));
    expect(await bkctl(file, 'ca', 'show')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'bkctl: apiserver unreachable: connect ECONNREFUSED 127.0.0.1:9\n',
    });
  });

  it('asks for a rotation with the rights of the role that ships, which sees no key', async () => {
    const operator = await makePerson('operator');
    const subject = ['--role=buildkit-ca-operator', '--serviceaccount=tenant:operator'];
    await system.run('create', 'rolebinding', 'operators', '-n', 'buildkit-system', ...subject);
    const account = 'system:serviceaccount:tenant:operator';
    const canI = ['auth', 'can-i', 'get', 'secrets', '-n', 'buildkit-system', `--as=${account}`];
    expect((await system.stack.kubectl(canI)).stdout).toBe('no\n');
    await system.run('apply', '-f', join(root, 'manifests/base/authority/cron-job.yaml'));
    const asked = await bkctl(operator, 'ca', 'rotate');
    expect(asked).toEqual({
      status: 0,
      stderr: '',
      stdout: [
        'requested a new root: the authority prepares it the next time it runs',
        `bkctl started no Job: jobs.batch is forbidden: User "${account}" cannot create resource "jobs" in API group "batch" in the namespace "buildkit-system"; whatever runs the authority here runs it when it is due`,
        'the new root signs a day after it is trusted; the old one stays trusted until its last certificate ends',
        '',
      ].join('\n'),
    });
  });

  it('starts a run from the CronJob for whoever may, and shows the new root after it', async () => {
    const { status, stdout } = await bkctl(system.stack.kubeconfig, 'ca', 'rotate');
    expect(status).toBe(0);
    const [, job = ''] = /^job (buildkit-authority-[0-9a-f]{8}) runs it now$/m.exec(stdout) ?? [];
    const image = '-o=jsonpath={.spec.template.spec.containers[0].args[0]}';
    expect(await system.run('get', 'job', job, '-n', 'buildkit-system', image)).toBe('authority');
    await system.stack.renewKeys();
    const shown = await bkctl(system.stack.kubeconfig, 'ca', 'show');
    expect(mask(shown.stdout)).toEqual([
      header,
      'root current itself',
      'root next itself promote',
      'clients current root renew',
      'servers current root renew',
      'api-tls current servers renew',
      'webhooks current itself replace',
      'webhook-tls current webhooks renew',
    ]);
    expect(await bkctl(system.stack.kubeconfig, 'ca', 'rotate')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^bkctl: a rotation is under way already: the next root signs from \S+Z; ask again when it is over\n$/,
      ) as string,
    });
  });

  it('follows the commands of docs/operations.md', () => {
    for (const command of ['npx bkctl ca show\n', 'npx bkctl ca rotate\n']) expect(shown).toContain(command);
  });
});

describe('the page', () => {
  const readRoot = () =>
    system.run('get', 'secret', 'buildkit-root-ca', '-n', 'buildkit-system', '-o', 'jsonpath={.data.tls\\.crt}');

  it('says how to start over where the root is lost, and no other way makes a new root', async () => {
    const before = await readRoot();
    await system.run('delete', 'secret', 'buildkit-root-ca', '-n', 'buildkit-system');
    await expect(system.stack.renewKeys()).rejects.toThrow(
      'Secret buildkit-root-ca: expected the root of ConfigMap buildkit-trust-bundle, ' +
        'Secret buildkit-client-ca, Secret buildkit-server-ca, got none: restore it from a backup, or, ',
    );
    runShown('kubectl delete -n buildkit-system --ignore-not-found configmap/');
    await system.run('get', 'job', 'buildkit-authority-anew', '-n', 'buildkit-system');
    await system.stack.renewKeys();
    expect(await readRoot()).not.toBe(before);
    expect(await bkctl(system.stack.kubeconfig, 'ca', 'show')).toMatchObject({ status: 0, stderr: '' });
  });
});
