/** Upgrades on control planes of their own: from the first implementation, and from the previous commit. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../adapters/kube/client.ts';
import { GROUP, KINDS, LABELS, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess, type Kubectl } from '../../dev/kubectl.ts';
import { bringUp, type Stack, type StackOptions } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { originalDefinitions, originalObjects } from './original.ts';
import { readWhenQuiet } from './quiet.ts';
import { bringUpSystem, createWorker, isSoak, type TestSystem } from './webhooks.ts';

const root = join(import.meta.dirname, '../..');
const execute = promisify(execFile);
const versions = ['v1alpha1', 'v1beta1'] as const;
const soon = { timeout: 120_000 };

interface Installed {
  readonly folder: string;
  readonly stack: Stack;
  readonly run: (...args: readonly string[]) => Promise<string>;
  readonly end: () => Promise<void>;
}

async function installOver(options: Pick<StackOptions, 'manifests' | 'prepare'>): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'upgrade-'));
  const watchdog = createWatchdog();
  const stack = await bringUp({ folder, port: await findFreePort(), watch: watchdog.watch, ...options });
  const end = async () => {
    await stack.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, stack, run: (...args) => expectSuccess(stack.kubectl, args), end };
}

const applyList = (kubectl: Kubectl, items: readonly object[]) =>
  expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const pluralOf = (kind: string): string =>
  Object.values(KINDS).find((names) => names.kind === kind)?.plural ?? 'no plural';

interface Stored {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
  readonly spec: { readonly requester?: object };
  readonly status?: {
    readonly phase?: string;
    readonly workers?: { readonly ready: number; readonly total: number };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

describe('from the first implementation', () => {
  let installed: Installed;
  let before: Stored[] = [];
  const get = async (kind: string, version: string, namespace: string, name: string): Promise<Stored> => {
    const resource = `${pluralOf(kind)}.${version}.${GROUP}`;
    return JSON.parse(await installed.run('get', resource, '-n', namespace, name, '-o', 'json')) as Stored;
  };
  const patch = (kind: string, version: string, key: readonly string[], change: object) =>
    installed.run(
      'patch',
      `${pluralOf(kind)}.${version}.${GROUP}`,
      '-n',
      ...key,
      '--type=merge',
      '-p',
      JSON.stringify(change),
    );
  /** A part of ours: admission lets no other give or end a lease. */
  const asPart = (account: string) => [
    `--as=system:serviceaccount:${SYSTEM_NAMESPACE}:${account}`,
    '--as-group=system:masters',
  ];
  const makeLeaseLabels = (value: string | null) => ({ [LABELS.lease]: value, [LABELS.leaseUID]: value });
  const verdictOf = async (namespace: string, name: string): Promise<string> => {
    const { status } = await get('BuildKitWorker', 'v1beta1', namespace, name);
    const found = status?.conditions?.find(({ type }) => type === 'ResolvedRefs');
    return `${found?.status ?? 'none'} ${found?.reason ?? ''}`;
  };

  beforeAll(async () => {
    const prepare = async (kubectl: Kubectl) => {
      await applyList(kubectl, originalDefinitions);
      const crds = Object.values(KINDS).map(({ plural }) => `crd/${plural}.${GROUP}`);
      await expectSuccess(kubectl, ['wait', '--for=condition=Established', '--timeout=120s', ...crds]);
      for (const namespace of ['builders', 'guests']) await expectSuccess(kubectl, ['create', 'namespace', namespace]);
      await applyList(kubectl, originalObjects);
      const resources = Object.values(KINDS).map(({ plural }) => plural);
      const all = await expectSuccess(kubectl, ['get', resources.join(','), '-A', '-o', 'json']);
      before = (JSON.parse(all) as { items: Stored[] }).items;
    };
    installed = await installOver({ prepare });
  });
  afterAll(async () => {
    await installed.end();
  });

  it('keeps every object, in both versions', async () => {
    expect(before).toHaveLength(originalObjects.length);
    for (const { kind, metadata } of originalObjects) {
      const { namespace, name } = metadata;
      const old = before.find((one) => one.metadata.name === name && one.metadata.namespace === namespace);
      expect((await get(kind, 'v1alpha1', namespace, name)).spec, name).toEqual(old?.spec);
      expect((await get(kind, 'v1beta1', namespace, name)).spec, name).toBeDefined();
    }
  });

  it.each(versions)('lets every object be changed in %s, also one that breaks a newer rule', async (version) => {
    for (const { kind, metadata } of originalObjects) {
      const key = [metadata.namespace, metadata.name];
      await patch(kind, version, key, { metadata: { labels: { [`edited-${version}`]: 'yes' } } });
    }
    const observability = { logging: { level: version === 'v1alpha1' ? 'debug' : 'warn' } };
    for (const name of ['minimal', 'full', 'broken'])
      await patch('BuildKitPool', version, ['builders', name], { spec: { observability } });
    await patch('BuildKitOIDCConfig', version, ['builders', 'shared'], { spec: { clientID: version } });
    expect((await get('BuildKitPool', 'v1alpha1', 'builders', 'broken')).spec).toEqual({
      ...before.find(({ metadata }) => metadata.name === 'broken')?.spec,
      observability: { logging: { ...observability.logging, format: 'json' }, metrics: { enabled: true, port: 9090 } },
    });
  });

  it('goes on with workers of the same namespace, though nobody knows who created them', async () => {
    for (const name of ['near', 'leased']) {
      await expect.poll(() => verdictOf('builders', name), soon).toBe('True SameNamespace');
      const { spec } = await get('BuildKitWorker', 'v1beta1', 'builders', name);
      expect(spec.requester).toBeUndefined();
    }
    const near = ['builders', 'near'];
    const lease = { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' };
    const lend = { metadata: { labels: { ...makeLeaseLabels('lease'), [LABELS.domain]: 'domain' } }, spec: { lease } };
    await patch('BuildKitWorker', 'v1beta1', [...near, ...asPart('buildkit-controller')], lend);
    const takeBack = { metadata: { labels: makeLeaseLabels(null) }, spec: { allocation: null } };
    await patch('BuildKitWorker', 'v1alpha1', [...near, ...asPart('buildkit-lifecycle')], takeBack);
    await patch('BuildKitWorker', 'v1beta1', near, { metadata: { finalizers: ['tenant.example/hold'] } });
    await patch('BuildKitWorker', 'v1beta1', near, { metadata: { finalizers: null } });
    const resource = `buildkitworkers.v1alpha1.${GROUP}`;
    const status = ['--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Running"}}'];
    await installed.run('patch', resource, '-n', 'builders', 'near', ...status);
    const ready = async () => (await get('BuildKitPool', 'v1beta1', 'builders', 'minimal')).status?.workers?.ready;
    await expect.poll(ready, soon).toBe(1);
  });

  it('asks for a grant for workers of other namespaces', async () => {
    await expect.poll(() => verdictOf('guests', 'far'), soon).toBe('False RefNotPermitted');
    const grant = (from: string) => ({ spec: { access: { workers: { namespaces: { from } } } } });
    await patch('BuildKitPool', 'v1alpha1', ['builders', 'minimal'], grant('All'));
    await expect.poll(() => verdictOf('guests', 'far'), soon).toBe('True Granted');
    await patch('BuildKitPool', 'v1beta1', ['builders', 'minimal'], grant('Same'));
    await expect.poll(() => verdictOf('guests', 'far'), soon).toBe('False RefNotPermitted');
  });

  it('leaves nothing in the old version after the migration', async () => {
    const { stack } = installed;
    const PATH = `${dirname(stack.binaries.kubectl)}${delimiter}${process.env['PATH'] ?? ''}`;
    const env = { ...process.env, KUBECONFIG: stack.kubeconfig, PATH };
    await execute(join(root, 'manifests/migrate-storage.sh'), { env });
    for (const { plural } of Object.values(KINDS)) {
      const stored = await installed.run('get', `crd/${plural}.${GROUP}`, '-o', 'jsonpath={.status.storedVersions}');
      expect(stored).toBe('["v1beta1"]');
    }
    for (const { kind, metadata } of originalObjects)
      for (const version of versions)
        expect((await get(kind, version, metadata.namespace, metadata.name)).metadata.name).toBe(metadata.name);
  });
});

/** The manifests of the commit before this one, below a new folder; or why there are none. */
async function readPreviousManifests(): Promise<{ folder: string } | { why: string }> {
  const git = (...args: string[]) => execute('git', args, { cwd: root });
  try {
    await git('rev-parse', '--verify', 'HEAD~:manifests');
  } catch {
    return { why: 'this checkout has no previous commit' };
  }
  const folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  await mkdir(folder, { recursive: true });
  await git('archive', `--output=${folder}.tar`, 'HEAD~', 'manifests');
  await execute('tar', ['-xf', `${folder}.tar`, '-C', folder]);
  await rm(`${folder}.tar`);
  return { folder };
}

const previous = await readPreviousManifests();

/** As many writes a second as a busy cluster has. */
const writesPerSecond = 50;
const writers = 16;
const soakMs = 10 * 60_000;

/** How long a machine that does much else may take: writes are sent again until they are answered. */
const busy = { timeout: 300_000 };

/** What became of writes other than it should, and the workers that were made. */
interface Load {
  readonly surprises: string[];
  readonly made: string[];
  started: number;
}

interface Write {
  readonly expected: RegExp;
  readonly send: (name: string) => Promise<string>;
}

const own = { namespace: 'tenant', name: 'own' };
const foreign = { namespace: 'builders', name: 'pool' };
const labelled = { namespace: 'builders', name: 'labelled' };
const nowhere = { namespace: 'builders', name: 'no-such-pool' };

/** Good and bad ones in turn. */
const listWrites = ({ administrator, tenant }: TestSystem): readonly Write[] => [
  { expected: /^Created$/, send: (name) => createWorker(tenant, name, own) },
  { expected: /^Forbidden: .* is not permitted by any grant/, send: (name) => createWorker(tenant, name, foreign) },
  { expected: /^Created$/, send: (name) => createWorker(administrator, name, foreign, 'v1alpha1') },
  { expected: /^Invalid: .* Not found: /, send: (name) => createWorker(administrator, name, nowhere) },
  { expected: /^Labelled$/, send: (name) => labelPool(administrator, name) },
];

async function labelPool(kube: KubeClient, label: string): Promise<string> {
  const path = `/apis/${GROUP}/v1alpha1/namespaces/builders/buildkitpools/labelled`;
  const contentType = 'application/merge-patch+json';
  await kube.call({ method: 'PATCH', path, contentType, body: { metadata: { labels: { label } } } });
  return 'Labelled';
}

/** At this pace, or as fast as a busy machine answers so many at once, until told to stop. */
async function writeUntil(writes: readonly Write[], load: Load, isOver: () => boolean): Promise<void> {
  const writeInTurn = async (): Promise<void> => {
    while (!isOver()) {
      const index = load.started++;
      const write = writes[index % writes.length];
      const pause = sleep((1000 * writers) / writesPerSecond);
      if (write !== undefined) await judge(write, `w-${index}`, load);
      await pause;
    }
  };
  await Promise.all(Array.from({ length: writers }, writeInTurn));
}

const unanswered = /^(?:Unreachable|KubeError): apiserver unreachable: no answer/;

/** A write that a busy machine has not answered in time is sent again, and may be there by then. */
async function judge({ expected, send }: Write, name: string, load: Load): Promise<void> {
  let outcome = await send(name).catch(String);
  while (unanswered.test(outcome)) {
    outcome = await send(name).catch(String);
    if (outcome.startsWith('AlreadyExists')) outcome = 'Created';
  }
  if (!expected.test(outcome)) load.surprises.push(`${name}: ${outcome}`);
  if (outcome === 'Created') load.made.push(name);
}

describe('from the previous commit', () => {
  if ('why' in previous) {
    it.skip(`not run: ${previous.why}`, () => undefined);
    return;
  }
  let system: TestSystem;
  beforeAll(async () => {
    system = await bringUpSystem({ manifests: join(previous.folder, 'manifests') });
    await system.run('create', 'namespace', 'builders');
    const makePool = (metadata: object) => ({
      apiVersion: `${GROUP}/v1beta1`,
      kind: 'BuildKitPool',
      metadata,
      spec: {},
    });
    await applyList(system.stack.kubectl, [own, foreign, labelled].map(makePool));
  });
  afterAll(async () => {
    await system.end();
    await rm(previous.folder, { recursive: true, force: true });
  });

  const readAll = async (resource: string): Promise<Stored[]> =>
    (JSON.parse(await system.run('get', resource, '-A', '-o', 'json')) as { items: Stored[] }).items;
  const readBoth = async () => ({
    workers: await readAll(`buildkitworkers.v1alpha1.${GROUP}`),
    pools: await readAll('buildkitpools'),
  });
  const versionsOf = ({ workers, pools }: Awaited<ReturnType<typeof readBoth>>): string =>
    [...workers, ...pools].map(({ metadata }) => metadata.resourceVersion).join();

  /** The workers there are, and what pools say of them, after a second in which nothing was written. */
  async function countWhenQuiet(): Promise<{ workers: string[]; totals: number[] }> {
    const { workers, pools } = await readWhenQuiet({ read: readBoth, versionsOf, pass: () => sleep(1_000) });
    return {
      workers: workers.map(({ metadata }) => metadata.name).toSorted(),
      totals: pools.map(({ status }) => status?.workers?.total ?? 0),
    };
  }

  it(
    'refuses no good write, admits no bad one, and counts right, while the manifests are applied under load',
    async () => {
      const { stack } = system;
      const load: Load = { surprises: [], made: [], started: 0 };
      let isOver = false;
      const writing = writeUntil(listWrites(system), load, () => isOver);
      const expectMoreWritten = async (): Promise<void> => {
        const before = load.started;
        await expect.poll(() => load.started, busy).toBeGreaterThan(before + writers);
      };
      const upgrade = async (): Promise<void> => {
        await expectMoreWritten();
        await stack.upgrade();
        for (const name of stack.webhooks) await stack.restart(name);
        await expectMoreWritten();
      };
      const end = performance.now() + (isSoak ? soakMs : 0);
      do await upgrade();
      while (performance.now() < end);
      isOver = true;
      await writing;
      expect(load.surprises).toEqual([]);
      const ofOwn = load.made.filter((name) => Number(name.slice('w-'.length)) % 5 === 0).length;
      const right = { workers: load.made.toSorted(), totals: [0, load.made.length - ofOwn, ofOwn] };
      expect(await countWhenQuiet()).toEqual(right);
    },
    isSoak ? 2 * soakMs : 3 * busy.timeout,
  );
});
