/**
 * Knative's own programs as they run in a cluster, here as processes on this machine: the adapter of an ApiServerSource,
 * that of all PingSources, and queue-proxy. What their controllers would make for them is made here.
 */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GROUP,
  KINDS,
  LABELS,
  MANAGED_BY,
  PROBE_PATHS,
  STORAGE_VERSION,
  SYSTEM_NAMESPACE,
  TOKEN_AUDIENCE,
} from '../api/names.ts';
import { isPortFree } from './child.ts';
import { tryLock } from './exclusive.ts';
import { mountAccount } from './mounts.ts';
import { expectSuccess } from './kubectl.ts';
import type { Part } from './parts.ts';
import type { Stack } from './stack.ts';

interface Watched {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly selector?: string;
}

const ours = ({ plural }: { readonly plural: string }): Watched => ({
  group: GROUP,
  version: STORAGE_VERSION,
  resource: plural,
});
const selector = `${LABELS.managedBy}=${MANAGED_BY}`;

/** What the source of events for `status` watches. */
const statusResources: readonly Watched[] = [
  ours(KINDS.pool),
  ours(KINDS.worker),
  ours(KINDS.oidcConfig),
  { group: 'apps', version: 'v1', resource: 'deployments', selector },
  { group: '', version: 'v1', resource: 'services', selector },
];

/** An account with the rights that a source of these resources needs. */
export interface SourceAccount {
  readonly name: string;
  /** The account that Eventing makes for the source's tokens of our audience. */
  readonly oidcName: string;
  readonly kubeconfig: string;
}

/** The user name that Knative's OIDC identity of an ApiServerSource has. */
export const sourceUser = ({ oidcName }: Pick<SourceAccount, 'oidcName'>): string =>
  `system:serviceaccount:${SYSTEM_NAMESPACE}:${oidcName}`;

export const oidcNameOf = (source: string, kind: 'apiserversource' | 'pingsource'): string =>
  `${source}-oidc-sources.knative.dev-${kind}`;

/** Makes the accounts of a source, and a kubeconfig of the first. */
export async function makeSourceAccount(
  { kubectl, mounts, controlPlane }: Stack,
  name: string,
  rules: readonly object[],
): Promise<SourceAccount> {
  const metadata = { name, namespace: SYSTEM_NAMESPACE };
  const oidcNames = [oidcNameOf(name, 'apiserversource'), oidcNameOf(name, 'pingsource')];
  const subjects = [{ kind: 'ServiceAccount', ...metadata }];
  const rbac = (kind: string, more: object) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata,
    ...more,
  });
  const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  const tokens = { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: oidcNames, verbs: ['create'] };
  const items = [
    ...[name, ...oidcNames].map((account) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: account, namespace: SYSTEM_NAMESPACE },
    })),
    rbac('ClusterRole', { rules }),
    rbac('ClusterRoleBinding', { subjects, roleRef: roleRef('ClusterRole') }),
    rbac('Role', { rules: [tokens] }),
    rbac('RoleBinding', { subjects, roleRef: roleRef('Role') }),
  ];
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await mountAccount({ folder: mounts, kubectl }, name, controlPlane.caFile);
  const kubeconfig = join(mounts, name, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(makeKubeconfig(controlPlane.url, join(mounts, name))), { mode: 0o600 });
  return { name, oidcName: oidcNameOf(name, 'apiserversource'), kubeconfig };
}

/** What `makeSourceAccount` takes for a source of `status`. */
export const statusSourceRules: readonly object[] = statusResources.map(({ group, resource }) => ({
  apiGroups: [group],
  resources: [resource],
  verbs: ['get', 'list', 'watch'],
}));

const makeKubeconfig = (server: string, accountFolder: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'here', cluster: { server, 'certificate-authority': join(accountFolder, 'ca.crt') } }],
  users: [{ name: 'source', user: { tokenFile: join(accountFolder, 'token') } }],
  contexts: [{ name: 'here', context: { cluster: 'here', user: 'source' } }],
  'current-context': 'here',
});

/** As Eventing's controller makes its Deployment, with the feature `authentication-oidc`. Its name is the account's. */
export const apiServerSourcePart = (binary: string, account: SourceAccount, sink: string): Part => ({
  name: account.name,
  file: binary,
  environment: {
    KUBECONFIG: account.kubeconfig,
    NAME: account.name,
    NAMESPACE: SYSTEM_NAMESPACE,
    SYSTEM_NAMESPACE,
    METRICS_DOMAIN: 'knative.dev/eventing',
    K_SINK: sink,
    K_AUDIENCE: TOKEN_AUDIENCE,
    K_OIDC_SERVICE_ACCOUNT: account.oidcName,
    K_SOURCE_CONFIG: JSON.stringify({
      namespaces: [''],
      allNamespaces: true,
      mode: 'Resource',
      resources: statusResources.map(({ group, version, resource, selector: matching }) => ({
        gvr: { Group: group, Version: version, Resource: resource },
        selector: matching,
      })),
    }),
    // Where nobody listens already.
    PROFILING_PORT: '0',
  },
});

/** The ports that queue-proxy listens on whatever it is told. */
const queueProxyPorts = { admin: 8022, statistics: 9090 } as const;

/** Lets no other of our processes run queue-proxy before `free`. Or why it can't run here now. */
export async function reserveQueueProxy(waitMs: number): Promise<{ readonly free: () => void } | string> {
  const endMs = performance.now() + waitMs;
  const file = join(tmpdir(), 'buildkit-controller-queue-proxy.lock');
  let lock = tryLock(file);
  while (lock === undefined && performance.now() < endMs) {
    await sleep(500);
    lock = tryLock(file);
  }
  if (lock === undefined) return 'another process of ours runs queue-proxy';
  const held = lock;
  for (const port of Object.values(queueProxyPorts)) {
    if (await isPortFree(port)) continue;
    held.close();
    return `port ${port}, which queue-proxy needs, is in use`;
  }
  return {
    free: () => {
      held.close();
    },
  };
}

/** As Serving's controller makes it beside the function `status`. */
export const queueProxyPart = (binary: string, ports: { readonly serving: number; readonly user: number }): Part => ({
  name: 'queue-proxy',
  file: binary,
  environment: {
    SERVING_NAMESPACE: SYSTEM_NAMESPACE,
    SERVING_SERVICE: 'buildkit-status',
    SERVING_CONFIGURATION: 'buildkit-status',
    SERVING_REVISION: 'buildkit-status-00001',
    SERVING_POD: 'buildkit-status-00001-deployment-0',
    SERVING_POD_IP: '127.0.0.1',
    SERVING_LOGGING_CONFIG: '',
    SERVING_LOGGING_LEVEL: 'info',
    QUEUE_SERVING_PORT: String(ports.serving),
    QUEUE_SERVING_TLS_PORT: '8112',
    USER_PORT: String(ports.user),
    CONTAINER_CONCURRENCY: '0',
    REVISION_TIMEOUT_SECONDS: '30',
    SERVING_READINESS_PROBE: JSON.stringify({
      httpGet: { path: PROBE_PATHS.ready, port: ports.user, host: '127.0.0.1', scheme: 'HTTP' },
      periodSeconds: 1,
      successThreshold: 1,
    }),
  },
});

/** Asks queue-proxy as the activator does before it lets a request through. */
export async function isBehindQueueProxyReady(servingPort: number): Promise<boolean> {
  try {
    const headers = { 'K-Network-Probe': 'queue', 'user-agent': 'Knative-Activator-Probe' };
    const answer = await fetch(`http://127.0.0.1:${servingPort}/healthz`, { headers });
    return answer.ok && (await answer.text()) === 'queue';
  } catch {
    return false;
  }
}
