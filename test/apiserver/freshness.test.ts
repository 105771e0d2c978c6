import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { CERTIFICATES_PATH } from '../../api/http/certificates.ts';
import { STORAGE_API_VERSION } from '../../api/names.ts';
import { administrator, ask, pathOf, type Asked } from './asking.ts';
import { makeNamespace, run, stack } from './cluster.ts';

const rounds = 200;
const connections = 64;
const account = 'system:serviceaccount:buildkit-system:buildkit-controller';
const label = 'freshness';

let client: string;
let owner: string;
let token: string;

/** What lets the client in, and how it is taken away. */
interface Case {
  readonly pool: string;
  readonly give: () => Promise<unknown>;
  /** Resolves when the apiserver itself no longer says otherwise. */
  readonly take: () => Promise<unknown>;
}

const asAdministrator = async (asked: Omit<Asked, 'as'>): Promise<unknown> => {
  const { code, body } = await ask({ as: administrator, ...asked });
  expect([200, 201, 202], `${asked.method ?? 'GET'} ${asked.path}: ${body.message}`).toContain(code);
  return body;
};

const makePool = (name: string, namespaces: object) => ({
  apiVersion: STORAGE_API_VERSION,
  kind: 'BuildKitPool',
  metadata: { name, namespace: owner },
  spec: { access: { clients: { namespaces } } },
});
const createPool = (name: string, namespaces: object) =>
  asAdministrator({ method: 'POST', path: pathOf('buildkitpools', owner), body: makePool(name, namespaces) });
const patch = (path: string, body: object) => asAdministrator({ method: 'PATCH', path, body });
const setGrant = (name: string, from: string) =>
  patch(pathOf('buildkitpools', owner, name), { spec: { access: { clients: { namespaces: { from } } } } });
const setLabel = (value: string | null) =>
  patch(`/api/v1/namespaces/${client}`, { metadata: { labels: { [label]: value } } });

const bindings = () => `/apis/rbac.authorization.k8s.io/v1/namespaces/${owner}/rolebindings`;

/** RBAC is read from a cache of the apiserver, which may lag. */
async function waitUntilReviewed(pool: string, isAllowed: boolean): Promise<void> {
  const spec = {
    user: `system:serviceaccount:${client}:default`,
    resourceAttributes: {
      group: 'buildkit.smrt-devops.net',
      resource: 'buildkitpools',
      verb: 'use',
      namespace: owner,
      name: pool,
    },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  for (;;) {
    const review = await asAdministrator({ method: 'POST', path, body: { spec } });
    if ((review as { status: { allowed: boolean } }).status.allowed === isAllowed) return;
    await sleep(5);
  }
}

const cases: Readonly<Record<string, Case>> = {
  grant: {
    pool: 'granted',
    give: () => setGrant('granted', 'All'),
    take: () => setGrant('granted', 'Same'),
  },
  pool: {
    pool: 'passing',
    give: () => createPool('passing', { from: 'All' }),
    take: () => asAdministrator({ method: 'DELETE', path: pathOf('buildkitpools', owner, 'passing') }),
  },
  label: {
    pool: 'selecting',
    give: () => setLabel('yes'),
    take: () => setLabel(null),
  },
  right: {
    pool: 'reviewed',
    give: async () => {
      const body = {
        metadata: { name: 'freshness' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'buildkit-pool-user' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: client }],
      };
      await asAdministrator({ method: 'POST', path: bindings(), body });
      await waitUntilReviewed('reviewed', true);
    },
    take: async () => {
      await asAdministrator({ method: 'DELETE', path: `${bindings()}/freshness` });
      await waitUntilReviewed('reviewed', false);
    },
  },
};

beforeAll(async () => {
  [client, owner] = [await makeNamespace('client'), await makeNamespace('owner')];
  await createPool('granted', { from: 'Same' });
  await createPool('selecting', { from: 'Selector', selector: { matchLabels: { [label]: 'yes' } } });
  await createPool('reviewed', { from: 'Same' });
  const audience = '--audience=buildkit.smrt-devops.net';
  token = (await run(['create', 'token', 'default', '-n', client, audience])).trim();
});

async function requestCertificate(pool: string, agent: Agent): Promise<number> {
  const body = JSON.stringify({ pools: [`${owner}/${pool}`] });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return await new Promise((resolve, reject) => {
    const sent = request(new URL(CERTIFICATES_PATH, stack.apiUrl), { method: 'POST', headers, agent }, (answer) => {
      void text(answer).then(() => {
        resolve(answer.statusCode ?? 0);
      }, reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** As many requests at once as there are connections, for all pools in turn, until it is stopped. */
function startLoad(pools: readonly string[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const statuses = new Map<number, number>();
  let isStopping = false;
  const lane = async (first: number): Promise<void> => {
    for (let index = first; !isStopping; index++) {
      const status = await requestCertificate(pools[index % pools.length] ?? '', agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const lanes = Promise.all(Array.from({ length: connections }, (_, index) => lane(index)));
  return {
    stop: async () => {
      isStopping = true;
      await lanes;
      agent.destroy();
      return statuses;
    },
  };
}

async function countCalls(): Promise<number> {
  const log = await readFile(join(stack.folder, 'audit.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes(`"username":"${account}"`)).length;
}

describe(`beside ${connections} connections that request certificates all the time`, () => {
  it(`a request that follows at once when a grant, a pool, a label or a right went away is refused, ${rounds} times`, async () => {
    const agent = new Agent({ keepAlive: true });
    const names = Object.keys(cases);
    const load = startLoad(Object.values(cases).map(({ pool }) => pool));
    const callsBefore = await countCalls();
    for (let round = 0; round < rounds; round++) {
      const name = names[round % names.length] ?? '';
      const { pool, give, take } = cases[name] as Case;
      await give();
      expect(await requestCertificate(pool, agent), `round ${round}: ${name} given`).toBe(200);
      await take();
      expect(await requestCertificate(pool, agent), `round ${round}: ${name} taken away`).toBe(403);
    }
    const statuses = await load.stop();
    const calls = (await countCalls()) - callsBefore;
    agent.destroy();
    expect([...statuses.keys()].toSorted()).toEqual([200, 403]);
    // Each request would make three calls by itself: pool, namespace, and a review where nothing else lets it in.
    const requests = statuses.values().reduce((sum, count) => sum + count, 0);
    console.info(`calls to the apiserver for ${requests} requests: ${calls}`);
    expect(calls).toBeLessThan(requests);
  }, 600_000);
});
