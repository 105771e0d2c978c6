/** A right that goes away ends the leases that rest on it: from the write, by the bridge and lifecycle, to the routes. */
import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STORAGE_API_VERSION, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { routes as routesSchema } from '../../api/routes.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { makeLease } from '../../core/allocation/lease.ts';
import { shortDomain } from '../../core/allocation/principal.ts';
import { ENDED } from '../../core/lifecycle/routes.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bridgePart, developmentImages, functionsPart } from '../../dev/parts.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

const hour = 60 * 60_000;
const guest = 'system:serviceaccount:guest:ci';
const ends = new AsyncDisposableStack();
let stack: Stack;

const run = (args: readonly string[], input?: object): Promise<string> =>
  expectSuccess(stack.kubectl, args, input === undefined ? undefined : JSON.stringify(input));

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lease-rights-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const watchdog = createWatchdog();
  ends.defer(watchdog.release);
  stack = await bringUp({
    folder,
    port: await findFreePort(),
    watch: watchdog.watch,
    parts: (settings) => [functionsPart(settings, 'on'), bridgePart(settings)],
  });
  ends.defer(() => stack.stop());
  const image = `--from-literal=image=${developmentImages.ours}`;
  await run(['create', 'configmap', 'buildkit-install', '-n', SYSTEM_NAMESPACE, image]);
  for (const namespace of ['owner', 'guest']) await run(['create', 'namespace', namespace]);
  await run(['label', 'namespace', 'guest', 'team=guests']);
});
afterAll(() => ends.disposeAsync());

/** A pool, and a lease of it that a ServiceAccount of another namespace holds. */
async function makeLeased(name: string, clients: object): Promise<void> {
  const spec = { access: { clients } };
  const metadata = { namespace: 'owner', name };
  const pool = { apiVersion: STORAGE_API_VERSION, kind: 'BuildKitPool', metadata, spec };
  const made = JSON.parse(await run(['create', '-o', 'json', '-f', '-'], pool)) as Pool;
  const domain = shortDomain(hash('sha256', 'ns/guest'));
  const claim = { lease: '0'.repeat(32), token: '', principal: guest, domain, issuedAtMs: Date.now(), gateway: '' };
  // Nobody renews it: so it lasts for the whole test.
  const lease = makeLease(made, claim, undefined, new Date(Date.now() + hour));
  await run(['create', '-f', '-'], { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease });
  await expect.poll(() => readEnd(name), { timeout: 300_000 }).toBe('lives');
}

/** Of the lease: why it ended; `lives` where it did not, and nothing while the routes don't know it. */
async function readEnd(name: string): Promise<string | undefined> {
  const path = 'jsonpath={.data.routes\\.json}';
  const text = await run(['get', 'configmap', `${name}-routes`, '-n', 'owner', '--ignore-not-found', '-o', path]);
  if (text === '') return undefined;
  const [lease] = routesSchema.parse(JSON.parse(text)).leases;
  return lease === undefined ? undefined : (lease.ended ?? 'lives');
}

const untilEnded = (name: string): Promise<void> =>
  expect.poll(() => readEnd(name), { timeout: 300_000 }).toBe(ENDED.forbidden);

const patch = (name: string, clients: object): Promise<string> =>
  run([
    ...['patch', 'buildkitpool', name, '-n', 'owner', '--type=merge', '-p'],
    JSON.stringify({ spec: { access: { clients } } }),
  ]);

describe('a lease ends in the routes', () => {
  const selector = { matchLabels: { team: 'guests' } };

  it('when the label goes that let the namespace of its client in, where nobody has a worker', async () => {
    await makeLeased('selecting', { namespaces: { from: 'Selector', selector } });
    await run(['label', 'namespace', 'guest', 'team-']);
    await untilEnded('selecting');
    await run(['label', 'namespace', 'guest', 'team=guests']);
    await expect.poll(() => readEnd('selecting'), { timeout: 300_000 }).toBe('lives');
  });

  it('when the grant of the pool goes', async () => {
    await makeLeased('granting', { namespaces: { from: 'All' } });
    await patch('granting', { namespaces: { from: 'None' } });
    await untilEnded('granting');
  });

  it('when the rule goes that names its client', async () => {
    await makeLeased('ruling', { rules: [{ users: [guest] }] });
    await patch('ruling', { rules: [] });
    await untilEnded('ruling');
  });
});
