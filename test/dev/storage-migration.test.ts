/** From manifests with v1alpha1 alone to both versions, on a control plane of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GROUP, KINDS } from '../../api/names.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

interface Definition {
  readonly spec: { readonly versions: readonly { readonly name: string }[]; readonly conversion: object };
}

const root = join(import.meta.dirname, '../..');
const watchdog = createWatchdog();
const crds = Object.values(KINDS).map(({ plural }) => `crd/${plural}.${GROUP}`);
let folder: string;
let stack: Stack;
const run = (...args: readonly string[]) => expectSuccess(stack.kubectl, args);
const applyObject = (object: object) => expectSuccess(stack.kubectl, ['apply', '-f', '-'], JSON.stringify(object));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'buildkit-controller-'));
  stack = await bringUp({ folder, port: await findFreePort(), watch: watchdog.watch });
});
afterAll(async () => {
  await stack.stop();
  watchdog.release();
  await rm(folder, { recursive: true, force: true });
});

/** From a file: a definition is longer than an argument may be. */
async function patch(crd: string, change: object, ...args: readonly string[]): Promise<string> {
  const file = join(folder, 'patch.json');
  await writeFile(file, JSON.stringify(change));
  return run('patch', crd, '--type=merge', `--patch-file=${file}`, ...args);
}
const setStored = (crd: string, ...storedVersions: readonly string[]) =>
  patch(crd, { status: { storedVersions } }, '--subresource=status');

/** Answers with what to patch to have both versions again. */
async function goBackToOneVersion(crd: string): Promise<object> {
  const { spec } = JSON.parse(await run('get', crd, '-o', 'json')) as Definition;
  const old = spec.versions.find(({ name }) => name === 'v1alpha1');
  const before = spec.versions.map((version) => ({ ...version, storage: version === old }));
  await patch(crd, { spec: { versions: before } });
  await setStored(crd, 'v1alpha1');
  const conversion = { strategy: 'None', webhook: null };
  await patch(crd, { spec: { conversion, versions: [{ ...old, storage: true }] } });
  return { spec: { versions: spec.versions, conversion: spec.conversion } };
}

/** Versions that objects of the kind are stored in, as etcd has them. */
async function readStored(plural: string): Promise<string[]> {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  const prefix = `/registry/${GROUP}/${plural}/`;
  const dispatcher = new Agent({ connect: { socketPath: join(folder, 'control-plane', 'etcd.sock:0') } });
  const answer = await fetch('http://etcd/v3/kv/range', {
    dispatcher,
    method: 'POST',
    body: JSON.stringify({ key: encode(prefix), range_end: encode(prefix.replace(/\/$/, '0')) }),
  });
  const { kvs = [] } = (await answer.json()) as { kvs?: { value: string }[] };
  return kvs.map(
    ({ value }) => (JSON.parse(Buffer.from(value, 'base64').toString()) as { apiVersion: string }).apiVersion,
  );
}

const make = (kind: string, name: string, spec: object) => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind,
  metadata: { name, namespace: 'default' },
  spec,
});
const poolSpec = { scaling: { max: 3 }, networking: { port: 9999 }, tls: { auto: {} } };

describe('an upgrade from v1alpha1 alone', () => {
  it('reads the old objects in both versions, and migrates them by the script', async () => {
    const both = new Map<string, object>();
    for (const crd of crds) both.set(crd, await goBackToOneVersion(crd));
    await applyObject(make('BuildKitPool', 'pool', poolSpec));
    await applyObject(make('BuildKitWorker', 'worker', { poolRef: { name: 'pool' } }));
    for (const plural of ['buildkitpools', 'buildkitworkers'])
      expect(await readStored(plural)).toEqual([`${GROUP}/v1alpha1`]);
    for (const [crd, change] of both) await patch(crd, change);
    await expect
      .poll(() => run('get', `buildkitpools.v1beta1.${GROUP}`, 'pool', '-o', 'jsonpath={.spec}'), { timeout: 120_000 })
      .toBe('{"v1alpha1":{"networking":{"port":9999},"tls":{"auto":{}}},"workers":{"scaling":{"max":3}}}');

    const environment = {
      ...process.env,
      KUBECONFIG: stack.kubeconfig,
      PATH: `${dirname(stack.binaries.kubectl)}${delimiter}${process.env['PATH'] ?? ''}`,
    };
    // Twice: it can be run again.
    const migrate = () => promisify(execFile)(join(root, 'manifests/migrate-storage.sh'), { env: environment });
    await migrate();
    await migrate();

    for (const plural of ['buildkitpools', 'buildkitworkers'])
      expect(await readStored(plural)).toEqual([`${GROUP}/v1beta1`]);
    for (const crd of crds)
      expect(await run('get', crd, '-o', 'jsonpath={.status.storedVersions}')).toBe('["v1beta1"]');
    const pool = JSON.parse(await run('get', `buildkitpools.v1alpha1.${GROUP}`, 'pool', '-o', 'json')) as {
      spec: object;
    };
    expect(pool.spec).toEqual(poolSpec);
  });
});
