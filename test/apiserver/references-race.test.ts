/**
 * Two tenants write while an owner opens and closes a pool: no reference gets in by a grant that was not there, and in
 * the end each has the grant or is marked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { administrator, ask, pathOf } from './asking.ts';
import { makeNamespace, run } from './cluster.ts';

const seconds = process.env['SOAK'] === '1' ? 60 : 2;
const tenants: string[] = [];
let owner = '';

beforeAll(async () => {
  owner = await makeNamespace('race-owner');
  for (const tenant of ['race-a', 'race-b']) tenants.push(await makeNamespace(tenant));
  const pool = { metadata: { name: 'pool', namespace: owner }, spec: {} };
  const manifest = { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitPool', ...pool };
  await run(['apply', '-f', '-'], JSON.stringify(manifest));
  for (const tenant of tenants) {
    await run(['create', 'rolebinding', 'dev', '-n', tenant, '--clusterrole=buildkit-pool-owner', `--user=${tenant}`]);
  }
}, 60_000);

/** From when it may have been in force to when it certainly no longer was. */
interface Open {
  readonly tenant: string;
  readonly from: number;
  to: number;
}
interface Accepted {
  readonly tenant: string;
  readonly name: string;
  readonly asked: number;
  readonly answered: number;
}

const listWorkers = async (): Promise<readonly Worker[]> => {
  const selector = `--field-selector=spec.poolRef.namespace=${owner}`;
  return (JSON.parse(await run(['get', 'bkw', '-A', selector, '-o', 'json'])) as { items: Worker[] }).items;
};

const grantOf = (names: readonly string[]) => {
  if (names.length === 0) return { from: 'Same', selector: null };
  if (names.length === tenants.length) return { from: 'All', selector: null };
  return { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': names.join() } } };
};

/** Opens the pool to nobody, one, the other or both, at random. */
async function tossGrants(until: number): Promise<Open[]> {
  const all: Open[] = [];
  let open: Open[] = [];
  while (performance.now() < until) {
    const letIn = tenants.filter(() => Math.random() < 0.5);
    const from = performance.now();
    const body = { spec: { access: { workers: { namespaces: grantOf(letIn) } } } };
    const { code } = await ask({
      as: administrator,
      method: 'PATCH',
      path: pathOf('buildkitpools', owner, 'pool'),
      body,
    });
    expect(code).toBe(200);
    for (const grant of open) grant.to = performance.now();
    open = letIn.map((tenant) => ({ tenant, from, to: Infinity }));
    all.push(...open);
    await sleep(Math.random() * 20);
  }
  return all;
}

async function write(tenant: string, until: number): Promise<{ accepted: Accepted[]; refused: number }> {
  const accepted: Accepted[] = [];
  let refused = 0;
  for (let count = 0; performance.now() < until; count++) {
    const name = `worker-${count}`;
    const asked = performance.now();
    const body = {
      apiVersion: 'buildkit.smrt-devops.net/v1beta1',
      kind: 'BuildKitWorker',
      metadata: { name, namespace: tenant },
      spec: { poolRef: { name: 'pool', namespace: owner } },
    };
    const { code } = await ask({ as: { user: tenant }, method: 'POST', path: pathOf('buildkitworkers', tenant), body });
    expect([201, 403]).toContain(code);
    if (code === 201) accepted.push({ tenant, name, asked, answered: performance.now() });
    else refused++;
  }
  return { accepted, refused };
}

it(
  'ends with references that a grant let in',
  async () => {
    const until = performance.now() + seconds * 1000;
    const [grants, ...writes] = await Promise.all([
      tossGrants(until),
      ...tenants.map((tenant) => write(tenant, until)),
    ]);
    const accepted = writes.flatMap((written) => written.accepted);
    expect(accepted.length).toBeGreaterThan(0);
    expect(writes.every(({ refused }) => refused > 0)).toBe(true);
    const isJustified = ({ tenant, asked, answered }: Accepted) =>
      grants.some((grant) => grant.tenant === tenant && grant.from <= answered && asked <= grant.to);
    expect(accepted.filter((worker) => !isJustified(worker))).toEqual([]);
    const keyOf = (tenant: string, name: string) => `${tenant}/${name}`;
    const stored = await listWorkers();
    expect(stored.map(({ metadata }) => keyOf(metadata.namespace, metadata.name)).toSorted()).toEqual(
      accepted.map(({ tenant, name }) => keyOf(tenant, name)).toSorted(),
    );
    const letIn = grants.filter(({ to }) => to === Infinity).map(({ tenant }) => tenant);
    const listUnmarked = async () =>
      (await listWorkers()).filter(({ metadata, status }) => {
        const resolved = status?.conditions?.find(({ type }) => type === 'ResolvedRefs');
        const [expected, reason] = letIn.includes(metadata.namespace) ? ['True'] : ['False', 'RefNotPermitted'];
        return resolved?.status !== expected || (reason !== undefined && resolved.reason !== reason);
      }).length;
    await expect.poll(listUnmarked, { timeout: 120_000, interval: 500 }).toBe(0);
  },
  (seconds + 60) * 1000,
);
