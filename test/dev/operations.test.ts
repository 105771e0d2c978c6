/** The webhooks of a system of its own, while they are restarted, given new certificates, and gone. */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSignedBy } from '../../adapters/x509/authorities.ts';
import { tlsReloadMs } from '../../api/limits/http.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bringUpSystem, createWorker, isSoak, readTrust, runAuthorityAt, type TestSystem } from './webhooks.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await bringUpSystem();
  for (const [namespace, name] of [
    ['buildkit-system', 'shared-pool'],
    ['tenant', 'my-pool'],
  ] as const) {
    const pool = {
      apiVersion: 'buildkit.smrt-devops.net/v1beta1',
      kind: 'BuildKitPool',
      metadata: { namespace, name },
    };
    await expectSuccess(system.stack.kubectl, ['create', '-f', '-'], JSON.stringify(pool));
  }
});
afterAll(async () => {
  await system.end();
});

const shared = { namespace: 'buildkit-system', name: 'shared-pool' };
const own = { namespace: 'tenant', name: 'my-pool' };

/** Who writes which reference, and what must come of it. */
const writes = [
  { who: 'administrator', poolRef: shared, expected: /^Created$/ },
  { who: 'tenant', poolRef: own, expected: /^Created$/ },
  { who: 'tenant', poolRef: shared, expected: /^Forbidden: .* is not permitted by any grant/ },
  { who: 'administrator', poolRef: { ...shared, name: 'no-such-pool' }, expected: /^Invalid: .* Not found: / },
] as const;

/** A busy machine answers a write too late, or not at all. That is no refusal: the write is made again. */
async function createUntilAnswered({ who, poolRef }: (typeof writes)[number], name: string): Promise<string> {
  let outcome = await createWorker(system[who], name, poolRef);
  while (/^Unreachable: |may be retried$/.test(outcome)) {
    outcome = await createWorker(system[who], name, poolRef);
    if (outcome.startsWith('AlreadyExists: ')) return 'Created';
  }
  return outcome;
}

/** Writes over 16 connections until there were enough of them and `disruption` is over. */
async function writeDuring(disruption: Promise<void>, prefix: string, atLeast: number) {
  const good: string[] = [];
  const surprises: string[] = [];
  let started = 0;
  let isOver = false;
  const over = disruption.finally(() => (isOver = true));
  const writeInTurn = async (): Promise<void> => {
    while (started < atLeast || !isOver) {
      const index = started++;
      const write = writes[index % writes.length];
      if (write === undefined) throw new Error('expected a write');
      const name = `${prefix}-${index}`;
      const outcome = await createUntilAnswered(write, name);
      if (!write.expected.test(outcome)) surprises.push(`${name}: ${outcome}`);
      if (String(write.expected) === '/^Created$/') good.push(name);
    }
  };
  await Promise.all([over, ...Array.from({ length: 16 }, writeInTurn)]);
  return { good, surprises };
}

async function listWorkers(prefix: string): Promise<string[]> {
  const names = await system.run('get', 'buildkitworkers', '-n', 'tenant', '-o=jsonpath={.items[*].metadata.name}');
  return names.split(' ').filter((name) => name.startsWith(`${prefix}-`));
}

const hour = 60 * 60 * 1000;
const minute = 60 * 1000;

/** Leaves a CA that has lived half of its life, a next one that is trusted, and certificates that are valid now. */
async function age(): Promise<void> {
  await system.run('delete', 'secret', '-n', 'buildkit-system', 'buildkit-webhook-ca', 'buildkit-webhook-tls');
  await runAuthorityAt(system, Date.now() - 6 * 365 * 24 * hour);
  await runAuthorityAt(system, Date.now() - 2 * hour - 20 * minute);
  await restartInTurn();
}

async function restartInTurn(): Promise<void> {
  for (const name of system.stack.webhooks) await system.stack.restart(name);
}

const loadTimeoutMs = (isSoak ? 30 : 10) * minute;

describe.runIf(process.platform === 'linux')('under load', () => {
  it(
    'no good write is refused and no bad one admitted while webhooks restart and their CA is replaced',
    async () => {
      await age();
      const before = await readTrust(system);
      const disrupt = async (): Promise<void> => {
        await restartInTurn();
        await runAuthorityAt(system, Date.now() - hour - 10 * minute);
        // Followed by both processes as they run.
        await sleep(tlsReloadMs + 2_000);
        await runAuthorityAt(system, Date.now());
        for (let round = 0; round < (isSoak ? 20 : 0); round++) await restartInTurn();
      };
      const { good, surprises } = await writeDuring(disrupt(), 'load', 2_000);
      expect(surprises).toEqual([]);
      expect(new Set(await listWorkers('load'))).toEqual(new Set(good));

      const after = await readTrust(system);
      const [first, second] = before.bundle.split(/(?<=-----END CERTIFICATE-----\n)/);
      expect(after.bundle).toBe(second);
      expect(isSignedBy(before.certificate, first ?? '')).toBe(true);
      expect(isSignedBy(after.certificate, second ?? '')).toBe(true);
      expect(new X509Certificate(after.certificate).validToDate.getTime()).toBeGreaterThan(Date.now());
    },
    loadTimeoutMs,
  );
});

describe('while no webhook runs', () => {
  const worker = ['-n', 'tenant', 'buildkitworker/standing'];
  const manifest = (name: string, namespace: string) =>
    JSON.stringify({
      apiVersion: 'buildkit.smrt-devops.net/v1beta1',
      kind: 'BuildKitWorker',
      metadata: { name, namespace },
      spec: { poolRef: own },
    });
  let refusal: string;
  beforeAll(async () => {
    expect(await createWorker(system.tenant, 'standing', own)).toBe('Created');
    expect(await createWorker(system.tenant, 'leaving', own)).toBe('Created');
    await system.run('create', 'namespace', 'leaving');
    expect(await system.stack.kubectl(['create', '-f', '-'], manifest('worker', 'leaving'))).toMatchObject({
      status: 0,
    });
    const query = '-o=jsonpath={.webhooks[0].clientConfig.url}';
    const url = await system.run('get', 'mutatingwebhookconfiguration', 'buildkit-controller', query);
    refusal =
      'Internal error occurred: failed calling webhook "mutate.buildkit.smrt-devops.net": failed to call webhook: ' +
      `Post "${url}?timeout=5s": dial tcp ${new URL(url).host}: connect: connection refused`;
    const children = system.stack.children.filter(({ name }) => system.stack.webhooks.includes(name));
    await Promise.all(children.map((child) => child.end()));
  });

  it('a worker is not created, and the answer names the webhook', async () => {
    expect(await system.stack.kubectl(['create', '-f', '-'], manifest('late', 'tenant'))).toEqual({
      status: 1,
      stdout: '',
      stderr: `Error from server (InternalError): error when creating "STDIN": ${refusal}\n`,
    });
    expect(await createWorker(system.tenant, 'late', own)).toBe(`InternalError: ${refusal}`);
  });

  it('the spec of a worker is not changed', async () => {
    const patch = JSON.stringify({
      spec: { lease: { jobID: 'job-1', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2030-01-01T00:00:00Z' } },
    });
    const { stderr } = await system.stack.kubectl(['patch', ...worker, '--type=merge', '-p', patch]);
    expect(stderr).toBe(`Error from server (InternalError): ${refusal}\n`);
  });

  it.each([
    ['its labels', ['--type=merge', '-p', '{"metadata":{"labels":{"team":"blue"}}}']],
    ['its finalizers', ['--type=merge', '-p', '{"metadata":{"finalizers":["tenant/hold"]}}']],
    ['no finalizer again', ['--type=merge', '-p', '{"metadata":{"finalizers":null}}']],
    ['its status', ['--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Idle"}}']],
  ])('%s may be written', async (_, patch) => {
    await expectSuccess(system.stack.kubectl, ['patch', ...worker, ...patch]);
  });

  it('a pool is not created, and one that is there is deleted without a warning', async () => {
    const pool = { ...JSON.parse(manifest('other-pool', 'tenant')), kind: 'BuildKitPool', spec: {} } as unknown;
    const { status, stderr } = await system.stack.kubectl(['create', '-f', '-'], JSON.stringify(pool));
    expect(status).toBe(1);
    expect(stderr).toContain('failed calling webhook "validate.buildkit.smrt-devops.net"');
    expect(
      await system.stack.kubectl(['delete', '-n', 'tenant', 'buildkitpool/my-pool', '--wait=false']),
    ).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it('kinds that are not ours are created, changed and deleted', async () => {
    await system.run('create', 'configmap', '-n', 'tenant', 'notes');
    await system.run('label', 'configmap', '-n', 'tenant', 'notes', 'a=b');
    await system.run('delete', '-n', 'tenant', 'configmap/notes');
  });

  it('a worker is deleted', async () => {
    await system.run('delete', '-n', 'tenant', 'buildkitworker/leaving', '--timeout=120s');
  });

  it('a namespace with workers in it is deleted', async () => {
    await system.run('delete', 'namespace', 'leaving', '--timeout=120s');
  });
});
