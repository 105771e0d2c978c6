/** The authority as processes on a real apiserver: two at once, killed at every write, stopped for longer than its Lease. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isSignedBy } from '../../adapters/x509/authorities.ts';
import { createLog } from '../../adapters/log.ts';
import { KubeError, orUndefined } from '../../adapters/kube/client.ts';
import { intermediateCaTtlSeconds, rootOverlapSeconds } from '../../api/limits/authority.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import { developmentFqdn } from '../../dev/parts.ts';
import { runAuthority } from '../../functions/authority/main.ts';
import { bringUpSystem, isSoak, type TestSystem } from './webhooks.ts';
import { openWriteGate, type WriteGate } from './write-gate.ts';

let folder: string;
let system: TestSystem;
let gate: WriteGate;
let kube: { readonly url: string; readonly accountFolder: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
  system = await bringUpSystem();
  kube = { url: system.stack.controlPlane.url, accountFolder: join(system.stack.mounts, 'buildkit-authority') };
  gate = await openWriteGate(join(folder, 'account'), kube);
});
afterEach(() => {
  gate.reset();
});
afterAll(async () => {
  gate.close();
  await system.end();
  await rm(folder, { recursive: true, force: true });
});

const namespace = '/api/v1/namespaces/buildkit-system';
const trustPath = `${namespace}/configmaps/buildkit-trust-bundle`;
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/buildkit-system/leases/buildkit-authority';
const secretPath = (name: string) => `${namespace}/secrets/${name}`;
const secretNames = [
  'buildkit-api-tls',
  'buildkit-client-ca',
  'buildkit-root-ca',
  'buildkit-server-ca',
  'buildkit-webhook-ca',
  'buildkit-webhook-tls',
];

const remove = (path: string) => orUndefined(system.administrator.call({ method: 'DELETE', path }));

/** As before the first run. */
async function forgetAll(): Promise<void> {
  await Promise.all([...secretNames.map(secretPath), trustPath, leasePath].map(remove));
}

interface Stored {
  readonly metadata: { readonly name: string; readonly annotations?: object; readonly labels?: object };
  readonly type?: string;
  readonly data: Readonly<Record<string, string>>;
}

const readAll = () =>
  Promise.all(
    [...secretNames.map(secretPath), trustPath].map(async (path) => {
      const { metadata, ...rest } = (await system.administrator.call({ path })) as Stored;
      const { name, annotations, labels } = metadata;
      return {
        path,
        body: { ...rest, metadata: { name, ...(annotations && { annotations }), ...(labels && { labels }) } },
      };
    }),
  );

/** Brings back what was read, so that a step can be tried again. */
async function restore(saved: Awaited<ReturnType<typeof readAll>>): Promise<void> {
  await remove(leasePath);
  for (const { path, body } of saved) await system.administrator.call({ method: 'PUT', path, body });
}

/** In milliseconds since the epoch. */
const start = Date.now();
const minute = 60_000;

const runOnceAt = (time: number) =>
  runAuthority(
    { kube, clusterFqdn: developmentFqdn, webhookNames: ['127.0.0.1', 'localhost'], now: () => time },
    createLog('authority', 'silent'),
  );

/** As a Job does, again where a busy machine let a call time out: past the Lease that such a run may have kept. */
async function runAt(time: number, retries = 3): Promise<void> {
  try {
    await runOnceAt(time);
  } catch (error) {
    if (retries === 0 || !(error instanceof KubeError) || error.status !== 0) throw error;
    await runAt(time + 6 * minute, retries - 1);
  }
}

/** A process at that moment: how it ended, and what it said. */
function startProcess(time: number, { url, accountFolder } = kube) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'authority-process.ts')], {
    env: { KUBE_URL: url, ACCOUNT_FOLDER: accountFolder, MOMENT: String(time) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = (async () => {
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code, signal] = await closed;
    return { status: code ?? signal, stdout, stderr };
  })();
  return { child, ended };
}

/** Kills a run when its nth write is done and not yet answered: where it wrote last; undefined where it made fewer. */
async function killAfterWrite(count: number, time: number): Promise<string | undefined> {
  gate.reset();
  const started = startProcess(time, gate);
  let last: string | undefined;
  gate.watch = {
    after: (index, path) => {
      last = path;
      if (index === count) started.child.kill('SIGKILL');
      return Promise.resolve();
    },
  };
  const { status, stderr } = await started.ended;
  if (status === 'SIGKILL') return last;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return undefined;
}

async function readSecret(name: string): Promise<Record<string, string>> {
  const { data } = (await system.administrator.call({ path: secretPath(name) })) as Stored;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

const readBundle = async (): Promise<string[]> =>
  splitBundle(((await system.administrator.call({ path: trustPath })) as Stored).data['ca.crt'] ?? '');

/** One root, what is below it, one CA of the webhooks, everybody trusting exactly these, and nothing else of ours. */
async function expectOneCa(): Promise<void> {
  const query = { labelSelector: 'app.kubernetes.io/managed-by=buildkit-controller' };
  const listed = (await system.administrator.call({ path: `${namespace}/secrets`, query })) as { items: Stored[] };
  expect(listed.items.map(({ metadata }) => metadata.name).toSorted()).toEqual(secretNames);
  const root = await readSecret('buildkit-root-ca');
  const { 'previous.crt': previous, 'tls.crt': current = '', 'next.crt': next } = root;
  expect(await readBundle()).toEqual([previous, current, next].flatMap((pem) => pem?.trim() ?? []));
  for (const name of ['buildkit-client-ca', 'buildkit-server-ca']) {
    const { 'tls.crt': intermediate = '' } = await readSecret(name);
    expect(isSignedBy(intermediate, current)).toBe(true);
  }
  const { 'tls.crt': webhookCa = '' } = await readSecret('buildkit-webhook-ca');
  const { 'tls.crt': served = '' } = await readSecret('buildkit-webhook-tls');
  expect(isSignedBy(served, webhookCa)).toBe(true);
  const registration = (await system.administrator.call({
    path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/buildkit-controller',
  })) as { webhooks: { clientConfig: { caBundle: string } }[] };
  for (const { clientConfig } of registration.webhooks) {
    expect(Buffer.from(clientConfig.caBundle, 'base64').toString()).toBe(webhookCa);
  }
}

/** Of all the writes of a run: every one in a soak, otherwise every other. */
const stride = isSoak ? 1 : 2;

describe('two runs at once', () => {
  it.each(Array.from({ length: isSoak ? 20 : 3 }, (_, round) => round))('make one CA: round %d', async () => {
    await forgetAll();
    const outcomes = await Promise.all([startProcess(start).ended, startProcess(start).ended]);
    const failures = outcomes.filter(({ status }) => status !== 0).map(({ stderr }) => stderr);
    for (const failure of failures) expect(failure).toMatch(/Lease buildkit-authority: (?:held by|taken by)|no answer/);
    if (!failures.some((failure) => failure.includes('no answer'))) {
      expect(failures.length).toBeLessThan(2);
      await expectOneCa();
    }
    const made = await orUndefined(readSecret('buildkit-root-ca'));
    await runAt(start + 6 * minute);
    await expectOneCa();
    if (made !== undefined) expect(await readSecret('buildkit-root-ca')).toEqual(made);
  });
});

describe('a run that is killed', () => {
  it('while it makes the CAs leaves what the next run completes, whichever write was its last', async () => {
    let kills = 0;
    for (let count = 1; ; count += stride) {
      await forgetAll();
      const last = await killAfterWrite(count, start);
      if (last === undefined) break;
      kills += 1;
      // Its Lease lasts for five minutes, unless giving it back was the last that it did.
      if (last !== leasePath) {
        await expect(runOnceAt(start + 4 * minute)).rejects.toThrow('Lease buildkit-authority: held by');
      }
      const before = await orUndefined(readSecret('buildkit-root-ca'));
      await runAt(start + 6 * minute);
      await expectOneCa();
      if (before !== undefined) expect(await readSecret('buildkit-root-ca')).toEqual(before);
    }
    expect(kills).toBeGreaterThanOrEqual(13 / stride);
  }, 600_000);

  const prepared = start + minute;
  const promoted = prepared + (rootOverlapSeconds + 120) * 1000;
  const retired = promoted + (intermediateCaTtlSeconds + 120) * 1000;

  it.each([
    ['prepares', prepared, 4],
    ['promotes', promoted, 5],
    ['retires', retired, 4],
  ] as const)(
    'while it %s a root loses no certificate, and the next run completes it',
    async (step, time, atLeast) => {
      await forgetAll();
      await runAt(start);
      await system.run('annotate', '-n', 'buildkit-system', 'lease/buildkit-authority', requested(start + 1000));
      if (step !== 'prepares') await runAt(prepared);
      if (step === 'retires') await runAt(promoted);
      const saved = await readAll();
      const rootsBefore = await readBundle();
      const { 'tls.crt': intermediate = '' } = await readSecret('buildkit-client-ca');
      let kills = 0;
      for (let count = 2; ; count += stride) {
        await restore(saved);
        await system.administrator.call({ method: 'POST', path: leasePath.replace(/\/[^/]+$/, ''), body: askedLease });
        if ((await killAfterWrite(count, time)) === undefined) break;
        kills += 1;
        await runAt(time + 6 * minute);
        // Whoever goes on signing with what was mounted is verified by whoever takes the bundle now, and the reverse.
        const trusted = await readBundle();
        expect(trusted.some((root) => isSignedBy(intermediate, root))).toBe(true);
        const { 'tls.crt': renewed = '' } = await readSecret('buildkit-client-ca');
        expect(rootsBefore.some((root) => isSignedBy(renewed, root))).toBe(true);
        await expectOneCa();
      }
      expect(kills).toBeGreaterThanOrEqual(Math.floor(atLeast / stride));
    },
    600_000,
  );

  const requested = (time: number) => `buildkit.smrt-devops.net/rotation-requested-at=${new Date(time).toISOString()}`;
  const askedLease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'buildkit-authority',
      annotations: Object.fromEntries([requested(start + 1000).split('=') as [string, string]]),
    },
    spec: {},
  };

  it('can do nothing more when it was only stopped, and another has run since', async () => {
    await forgetAll();
    await runAt(start);
    await remove(leasePath);
    await system.administrator.call({ method: 'POST', path: leasePath.replace(/\/[^/]+$/, ''), body: askedLease });
    const released = Promise.withResolvers<undefined>();
    const stopped = Promise.withResolvers<undefined>();
    gate.watch = {
      before: async (_, path) => {
        if (!path.endsWith('/secrets/buildkit-root-ca')) return;
        stopped.resolve(undefined);
        await released.promise;
      },
    };
    const stalled = startProcess(prepared, gate);
    await stopped.promise;
    await runAt(prepared + 6 * minute);
    const after = await readSecret('buildkit-root-ca');
    expect(after['next.crt']).toBeDefined();
    released.resolve(undefined);
    const { status, stderr } = await stalled.ended;
    expect(status).toBe(1);
    expect(stderr).toContain('buildkit-root-ca');
    expect(await readSecret('buildkit-root-ca')).toEqual(after);
    await expectOneCa();
  });
});
