import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Child } from '../../dev/child.ts';
import { find, type Binaries } from '../../dev/control-plane/find.ts';
import { start, type ControlPlane } from '../../dev/control-plane/start.ts';
import { controlPlane as release, version } from '../../dev/control-plane/table.ts';

const guard = { timeout: 120_000 };
const audience = 'buildkit.smrt-devops.net';
let binaries: Binaries;
let folder: string;
let controlPlane: ControlPlane;

beforeAll(async () => {
  binaries = await find(release);
  // With a space, which somebody's checkout may have.
  folder = await mkdtemp(join(tmpdir(), 'control plane-'));
  const policy = join(folder, 'audit.yaml');
  await writeFile(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n');
  const apiserverFlags = [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'audit.log')}`];
  controlPlane = await start({ folder: join(folder, 'shared'), binaries, apiserverFlags });
});
afterAll(async () => {
  await controlPlane.stop();
  await rm(folder, { recursive: true, force: true });
});

async function kubectl(args: readonly string[], input: object = {}): Promise<string> {
  const child = spawn(binaries.kubectl, ['--kubeconfig', controlPlane.adminKubeconfig, ...args]);
  const closed = once(child, 'close');
  child.stdin.end(JSON.stringify(input));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await closed) as [number];
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
const create = async (object: object): Promise<unknown> =>
  JSON.parse(await kubectl(['create', '-o', 'json', '-f', '-'], object));

const isRunning = ({ pid }: Child): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('is the pinned release, with a private kubeconfig for its administrator', async () => {
  expect(JSON.parse(await kubectl(['version', '-o', 'json']))).toMatchObject({
    clientVersion: { gitVersion: version },
    serverVersion: { gitVersion: version, major: '1' },
  });
  expect((await stat(controlPlane.adminKubeconfig)).mode & 0o777).toBe(0o600);
  expect(await kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.groups}', '--as=dev@tenant-a'])).toBe(
    '["system:authenticated"]',
  );
});

test('takes flags for the apiserver, such as those of an audit log', async () => {
  await kubectl(['get', 'namespaces']);
  expect(await readFile(join(folder, 'audit.log'), 'utf8')).toContain('"requestURI":"/api/v1/namespaces?limit=500"');
});

test('issues tokens for an audience, which a review takes for that one only', async () => {
  await kubectl(['create', 'namespace', 'tenant-a']);
  const args = ['create', 'token', 'default', '-n', 'tenant-a', `--audience=${audience}`];
  const token = (await vi.waitFor(() => kubectl(args), guard)).trim();
  const review = (reviewed: string) => {
    const spec = { token, audiences: [reviewed] };
    return create({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
  };
  expect(await review(audience)).toMatchObject({
    status: {
      authenticated: true,
      audiences: [audience],
      user: { username: 'system:serviceaccount:tenant-a:default' },
    },
  });
  expect(await review(controlPlane.serviceAccountIssuer)).not.toHaveProperty('status.authenticated', true);
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iss: string };
  expect(payload.iss).toBe(controlPlane.serviceAccountIssuer);
});

test('has the controllers that our manifests count on', async () => {
  const labels = { app: 'x' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'x', image: 'x' }] } };
  await kubectl(['create', 'namespace', 'work']);
  await create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x', namespace: 'work' },
    spec: { selector: { matchLabels: labels }, template },
  });
  const selector = { matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } };
  const metadata = { name: 'aggregate' };
  const aggregationRule = { clusterRoleSelectors: [selector] };
  await create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata,
    aggregationRule,
    rules: [],
  });
  const names = (...args: string[]) => kubectl(['get', '-o', 'name', ...args]);
  await vi.waitFor(async () => {
    expect(await names('replicasets,configmaps', '-n', 'work')).toMatch(/replicaset.*\nconfigmap\/kube-root-ca.crt/);
    expect(await kubectl(['get', 'clusterrole', 'aggregate', '-o', 'jsonpath={.rules}'])).toContain('configmaps');
  }, guard);
  // Pods need no kubelet to go, since nothing scheduled them.
  await kubectl(['delete', 'deployment', 'x', '-n', 'work']);
  await vi.waitFor(async () => {
    expect(await names('replicasets', '-n', 'work')).toBe('');
  }, guard);
  await kubectl(['delete', 'namespace', 'work', '--timeout=120s']);
});

test('runs beside another, whose stop leaves no process, also while somebody watches', async () => {
  const other = await start({ folder: join(folder, 'other'), binaries });
  expect(other.url).not.toBe(controlPlane.url);
  const watcher = spawn(binaries.kubectl, ['--kubeconfig', other.adminKubeconfig, 'get', 'namespaces', '-w']);
  await once(watcher.stdout, 'data');
  const begin = performance.now();
  await Promise.all([other.stop(), other.stop()]);
  expect(performance.now() - begin).toBeLessThan(5000);
  expect(other.children.filter(isRunning)).toEqual([]);
  expect(controlPlane.children.filter(isRunning)).toHaveLength(3);
  watcher.kill();
});

test('reports that etcd was killed, and can still be stopped', async () => {
  const other = await start({ folder: join(folder, 'killed'), binaries });
  const etcd = other.children.find(({ name }) => name === 'etcd');
  process.kill(etcd?.pid ?? NaN, 'SIGKILL');
  expect(await other.exited).toEqual({ name: 'etcd', status: 'SIGKILL' });
  await other.stop();
  expect(other.children.filter(isRunning)).toEqual([]);
});

test('leaves no process when a part can not start', async () => {
  const watched: Child[] = [];
  const watch = (child: Child) => watched.push(child);
  await mkdir(join(folder, 'failing'));
  const failing = start({ folder: join(folder, 'failing'), binaries, apiserverFlags: ['--no-such-flag'], watch });
  await expect(failing).rejects.toThrow('kube-apiserver ended with 1: Error: unknown flag: --no-such-flag');
  expect(watched.map(({ name }) => name)).toEqual(['etcd', 'kube-apiserver']);
  expect(watched.filter(isRunning)).toEqual([]);
});
