/** The certificates app with everything it is run with, before an apiserver and issuers of plain data. */
import { createAuthenticator } from '../../adapters/oidc/authenticator.ts';
import type { FetchDocument } from '../../adapters/oidc/fetch.ts';
import type { KubeCall, KubeClient } from '../../adapters/kube/client.ts';
import { createPoolReader } from '../../adapters/kube/pools.ts';
import { createClusterAuthenticator } from '../../adapters/kube/token-review.ts';
import { KubeError } from '../../adapters/kube/client.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import { err, ok } from '../../core/result.ts';
import { createCertificatesApp } from '../../functions/certificates/app.ts';

export const clusterIssuer = 'https://kubernetes.default.svc';

export interface TestConfig {
  readonly namespace: string;
  readonly name: string;
  readonly spec: object;
  readonly createdAt?: string;
  readonly generation?: number;
}

export interface TestPool {
  readonly namespace: string;
  readonly name: string;
  readonly access?: object;
}

export interface IssuersWorld {
  readonly configs: TestConfig[];
  readonly pools: TestPool[];
  /** Documents by URL. */
  readonly documents: Map<string, string>;
  readonly clock: { nowMs: number };
  readonly calls: string[];
  readonly fetched: string[];
  readonly issuedTo: string[];
  readonly logged: object[];
  /** Whom a review lets in, by name. */
  readonly reviewed: Set<string>;
  readonly ask: (
    token: string,
    pools?: unknown,
  ) => Promise<{ status: number; code: string | undefined; body: unknown }>;
}

export function createIssuersWorld(isPrivateAllowed = false): IssuersWorld {
  const world = {
    configs: [] as TestConfig[],
    pools: [] as TestPool[],
    documents: new Map<string, string>(),
    clock: { nowMs: Date.UTC(2026, 0, 1) },
    calls: [] as string[],
    fetched: [] as string[],
    issuedTo: [] as string[],
    logged: [] as object[],
    reviewed: new Set<string>(),
  };
  const now = () => world.clock.nowMs;
  const kube = createKube(world);
  const fetchDocument: FetchDocument = (url) => {
    world.fetched.push(url.href);
    const document = world.documents.get(url.href);
    return Promise.resolve(document === undefined ? err('unreachable') : ok(document));
  };
  const policy = { clusterIssuer, isPrivateAllowed };
  const authenticateInCluster = createClusterAuthenticator(kube, {
    audience: TOKEN_AUDIENCE,
    isClusterToken: ({ claims }) => Promise.resolve(claims['iss'] === clusterIssuer),
    now,
  });
  const app = createCertificatesApp({
    authenticate: createAuthenticator({ kube, fetchDocument, authenticateInCluster, policy, now }),
    openReads: () => ({
      reviewAccess: ({ username }, { namespace, name }) => {
        world.calls.push(`REVIEW ${namespace}/${name}`);
        return Promise.resolve(world.reviewed.has(username));
      },
      getNamespaceLabels: () => Promise.resolve({}),
      getPool: createPoolReader(kube),
    }),
    issue: ({ principal }) => {
      world.issuedTo.push(principal);
      const notAfter = now() / 1000 + 3600;
      const texts = { caCert: 'CA', clientCert: 'CERT', clientKey: 'KEY', serial: 'AB', subjectKeyId: 'CD' };
      return Promise.resolve({ ok: true, value: { ...texts, notAfter } });
    },
    readCsr: () => ({ ok: false, error: { expected: 'none', got: 'one' } }),
    now,
    newRequestId: () => 'request-1',
    startRequest: () => () => undefined,
    log: {
      info: (fields) => void world.logged.push(fields),
      error: (fields) => void world.logged.push(fields),
    },
  });
  return {
    ...world,
    ask: async (token, pools = ['tenant-a/pool']) => {
      const answer = await app.request('/api/v1/certs/request', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ pools }),
      });
      const body = (await answer.json()) as { code?: string };
      return { status: answer.status, code: body.code, body };
    },
  };
}

function createKube(world: Pick<IssuersWorld, 'calls' | 'configs' | 'pools'>): KubeClient {
  const root = '/apis/buildkit.smrt-devops.net/v1beta1';
  const list = (items: readonly unknown[]) => ({ metadata: { resourceVersion: '1' }, items });
  const answer = ({ path }: KubeCall): unknown => {
    if (path === `${root}/buildkitoidcconfigs`) return list(world.configs.map(toConfig));
    if (path === `${root}/buildkitpools`) return list(world.pools.map(toPool));
    if (path.endsWith('/tokenreviews')) return { status: { authenticated: false } };
    const pool = world.pools
      .map(toPool)
      .find(({ metadata: { namespace, name } }) => path === `${root}/namespaces/${namespace}/buildkitpools/${name}`);
    if (pool === undefined) throw new KubeError(404, 'NotFound', 'not found');
    return pool;
  };
  return {
    call: (call) => {
      world.calls.push(`${call.method ?? 'GET'} ${call.path}`);
      return new Promise((resolve) => {
        resolve(structuredClone(answer(call)));
      });
    },
    lines: () => {
      throw new Error('no watch here');
    },
    close: () => undefined,
  };
}

const toConfig = ({ namespace, name, spec, createdAt = '2025-01-01T00:00:00Z', generation = 1 }: TestConfig) => ({
  metadata: {
    namespace,
    name,
    uid: `uid-of-${namespace}-${name}`,
    resourceVersion: '1',
    generation,
    creationTimestamp: createdAt,
  },
  spec,
});

const toPool = ({ namespace, name, access }: TestPool) => ({
  metadata: { namespace, name, uid: `uid-of-${namespace}-${name}`, resourceVersion: '1', generation: 1 },
  spec: access === undefined ? {} : { access },
});
