/** The only place that reads the process environment. */
import { totalmem } from 'node:os';
import { parseClusterFqdn } from '../core/certificates/profile.ts';
import type { LifecycleSettings } from '../core/lifecycle/settings.ts';
import { clientKeepAliveMs, proxyKeepAliveMs } from '../api/limits/http.ts';
import type { KubeClientOptions } from './kube/client.ts';
import { parseNetwork, type Network } from '../core/ip-address.ts';
import type { PoolKey } from '../core/pool-reference.ts';
import type { FunctionUrls } from './gateway/functions.ts';
import type { EventSenders } from './kube/event-senders.ts';

/** Reads the named variables. @throws {Error} naming every missing one at once. */
export function readVariables<const N extends string>(
  names: readonly N[],
  environment: NodeJS.ProcessEnv = process.env,
): Record<N, string> {
  const missing = names.filter((name) => (environment[name] ?? '') === '');
  if (missing.length > 0) throw new Error(`environment: expected ${missing.join(', ')} to be set`);
  return Object.fromEntries(names.map((name) => [name, environment[name]])) as Record<N, string>;
}

/** What Kubernetes sets in every Pod to say where its apiserver is. */
export const KUBE_VARIABLES = ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'] as const;

/** Where the kubelet mounts the ServiceAccount of a Pod. */
const podAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The apiserver and ServiceAccount of the Pod this runs in; `ACCOUNT_FOLDER` where it is mounted elsewhere. */
export function inClusterKube(environment: NodeJS.ProcessEnv = process.env): KubeClientOptions {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = readVariables(KUBE_VARIABLES, environment);
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    accountFolder: environment['ACCOUNT_FOLDER'] ?? podAccountFolder,
  };
}

interface Listener {
  readonly port: number;
  readonly hostname?: string;
  readonly reusePort: boolean;
  readonly keepAliveMs: number;
}

/**
 * `PORT`; `HOST` where not every address should be listened on; `REUSE_PORT` where other processes share the port;
 * `PLAIN_HTTP` where a proxy in the same Pod is the client, which keeps its connections.
 * @throws {Error} when one is not what it should be.
 */
export function readListener(environment: NodeJS.ProcessEnv = process.env): Listener {
  const { PORT } = readVariables(['PORT'], environment);
  const port = parsePort('PORT', PORT);
  const { HOST: hostname } = environment;
  return {
    port,
    reusePort: isTrue('REUSE_PORT', environment),
    keepAliveMs: isTrue('PLAIN_HTTP', environment) ? proxyKeepAliveMs : clientKeepAliveMs,
    ...(hostname === undefined ? {} : { hostname }),
  };
}

function isTrue(name: string, environment: NodeJS.ProcessEnv): boolean {
  const word = environment[name];
  if (word !== undefined && word !== 'true') {
    throw new Error(`environment: ${name}: expected true or nothing, got ${word}`);
  }
  return word === 'true';
}

/**
 * `METRICS_PORT`, at the `HOST` that the part listens on; without it neither metrics nor probes are served there.
 * @throws {Error} when it is no port.
 */
export function readMetricsListener(
  environment: NodeJS.ProcessEnv = process.env,
): Pick<Listener, 'port' | 'hostname'> | undefined {
  const { METRICS_PORT, HOST: hostname } = environment;
  if (METRICS_PORT === undefined) return undefined;
  return { port: parsePort('METRICS_PORT', METRICS_PORT), ...(hostname === undefined ? {} : { hostname }) };
}

function parsePort(name: string, text: string): number {
  const port = Number(text);
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`environment: ${name}: expected 0 to 65535, got ${text}`);
}

/** How a part that takes tokens is spoken to: over TLS from a folder, or over plain HTTP where nobody can listen in. */
export type Transport = { readonly kind: 'tls'; readonly folder: string } | { readonly kind: 'plain' };

/**
 * `TLS_FOLDER`; without it only a loopback `HOST`, or `PLAIN_HTTP=true` where a proxy in the same Pod ends TLS.
 * @throws {Error} for anything else: tokens and keys would cross the network as they are.
 */
export function readTransport(environment: NodeJS.ProcessEnv = process.env): Transport {
  const { TLS_FOLDER: folder = '', HOST: host = '' } = environment;
  const isPlain = isTrue('PLAIN_HTTP', environment);
  if (folder !== '' && isPlain) throw new Error('environment: expected TLS_FOLDER or PLAIN_HTTP, got both');
  if (folder !== '') return { kind: 'tls', folder };
  if (isPlain || isLoopback(host)) return { kind: 'plain' };
  throw new Error(
    'environment: expected TLS_FOLDER, a loopback HOST, or PLAIN_HTTP=true behind a proxy in the same Pod',
  );
}

/** Names are not looked up: `localhost` may mean anything. */
const isLoopback = (host: string): boolean => /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1';

/** `on` or `off`. @throws {Error} when it is neither. */
export function readSwitch(name: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  const word = readVariables([name], environment)[name];
  if (word === 'on' || word === 'off') return word === 'on';
  throw new Error(`environment: ${name}: expected on or off, got ${word ?? ''}`);
}

const admittedByNetworkPolicy = 'admitted-by-network-policy';
const serviceAccountUser = /^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$/;

/**
 * `EVENT_SENDERS`: the ServiceAccounts whose events count, as user names separated by commas; or the one word
 * `admitted-by-network-policy`, which is no user name, where senders have no tokens.
 * @throws {Error} when it is neither: that nobody may send is not what was meant.
 */
export function readEventSenders(environment: NodeJS.ProcessEnv = process.env): EventSenders {
  const { EVENT_SENDERS } = readVariables(['EVENT_SENDERS'], environment);
  if (EVENT_SENDERS === admittedByNetworkPolicy) return { by: 'NetworkPolicy' };
  const users = EVENT_SENDERS.split(',');
  const wrong = users.find((user) => !serviceAccountUser.test(user));
  if (wrong === undefined) return { by: 'token', users: new Set(users) };
  const expected = `system:serviceaccount:<namespace>:<name>, separated by commas, or ${admittedByNetworkPolicy}`;
  throw new Error(`environment: EVENT_SENDERS: expected ${expected}, got ${wrong}`);
}

export interface PrivateIssuers {
  /** Whether OIDC configs in the controller's namespace may name issuers without TLS or in a private network. */
  readonly isAllowed: boolean;
  /** PEM of the CAs that vouch for them. */
  readonly caFile?: string;
}

/** `PRIVATE_ISSUERS`, and `PRIVATE_ISSUERS_CA` where they have a CA of their own. @throws {Error} as `readSwitch`. */
export function readPrivateIssuers(environment: NodeJS.ProcessEnv = process.env): PrivateIssuers {
  const isAllowed = readSwitch('PRIVATE_ISSUERS', environment);
  const { PRIVATE_ISSUERS_CA: caFile } = environment;
  return { isAllowed, ...(caFile === undefined ? {} : { caFile }) };
}

/** What every gateway must have. */
export const GATEWAY_VARIABLES = [
  'POOL_NAME',
  'POOL_NAMESPACE',
  'CLUSTER_FQDN',
  'API_URL',
  'LIFECYCLE_URL',
  'STATUS_URL',
  'TOKEN_FILE',
  'KEYS_PORT',
] as const;

export interface GatewayEnvironment {
  readonly pool: PoolKey;
  readonly clusterFqdn: string;
  readonly urls: FunctionUrls;
  readonly tokenFile: string;
  /** Where it takes the CSRs of workers. */
  readonly keysPort: number;
  /** PEM of the CAs that vouch for the functions, where these are reached over HTTPS. */
  readonly caFile: string | undefined;
  /** Whose PROXY headers are read. */
  readonly proxies: readonly Network[];
  readonly maxConnections: number;
}

/** `defaultMaxConnections` counts where `MAX_CONNECTIONS` says nothing. @throws {Error} for what is no such value. */
export function readGatewayEnvironment(
  defaultMaxConnections: number,
  environment: NodeJS.ProcessEnv = process.env,
): GatewayEnvironment {
  const values = readVariables(GATEWAY_VARIABLES, environment);
  const { CA_FILE, PROXY_PROTOCOL_CIDRS = '', MAX_CONNECTIONS = String(defaultMaxConnections) } = environment;
  return {
    pool: { namespace: values.POOL_NAMESPACE, name: values.POOL_NAME },
    clusterFqdn: values.CLUSTER_FQDN,
    urls: {
      api: parseUrl('API_URL', values.API_URL),
      lifecycle: parseUrl('LIFECYCLE_URL', values.LIFECYCLE_URL),
      status: parseUrl('STATUS_URL', values.STATUS_URL),
    },
    tokenFile: values.TOKEN_FILE,
    keysPort: parsePort('KEYS_PORT', values.KEYS_PORT),
    caFile: CA_FILE === '' ? undefined : CA_FILE,
    proxies: PROXY_PROTOCOL_CIDRS.split(',').filter(Boolean).map(parseCidr),
    maxConnections: parseCount('MAX_CONNECTIONS', MAX_CONNECTIONS),
  };
}

function parseUrl(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new Error(`environment: ${name}: expected an http or https URL, got ${text}`);
}

function parseCidr(text: string): Network {
  const network = parseNetwork(text);
  if (network !== undefined) return network;
  throw new Error(`environment: PROXY_PROTOCOL_CIDRS: expected networks separated by commas, got ${text}`);
}

function parseCount(name: string, text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new Error(`environment: ${name}: expected 1 to 999999, got ${text}`);
}

/** What the cgroup of this process may take; undefined where it is not limited. */
export function readMemoryLimit(): number | undefined {
  const bytes = process.constrainedMemory();
  return bytes > 0 && bytes < totalmem() ? bytes : undefined;
}

const makingVariables = [
  'CLUSTER_FQDN',
  'CA_FOLDER',
  'IMAGE',
  'BUILDKIT_IMAGE',
  'API_URL',
  'LIFECYCLE_URL',
  'STATUS_URL',
] as const;

/** What Pods and gateways are made of, and where the CA for servers is mounted. @throws {Error} for what is missing. */
export function readMaking(environment: NodeJS.ProcessEnv = process.env): {
  readonly settings: LifecycleSettings;
  readonly caFolder: string;
} {
  const values = readVariables(makingVariables, environment);
  const clusterFqdn = parseClusterFqdn(values.CLUSTER_FQDN);
  if (!clusterFqdn.ok) throw new Error(`environment: ${clusterFqdn.error}`);
  return {
    settings: {
      clusterFqdn: clusterFqdn.value,
      image: values.IMAGE,
      buildkitImage: values.BUILDKIT_IMAGE,
      hostnameSuffixes: parseSuffixes(environment['HOSTNAME_SUFFIXES'] ?? ''),
      urls: { api: values.API_URL, lifecycle: values.LIFECYCLE_URL, status: values.STATUS_URL },
    },
    caFolder: values.CA_FOLDER,
  };
}

/** `<namespace>=<suffix>`, separated by commas; `*` is every namespace. */
const parseSuffixes = (text: string): LifecycleSettings['hostnameSuffixes'] =>
  text.split(',').filter(Boolean).map(parseSuffix);

const suffixForm =
  /^(?<namespace>\*|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)=(?<suffix>[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)$/;

function parseSuffix(text: string): LifecycleSettings['hostnameSuffixes'][number] {
  const { namespace, suffix } = suffixForm.exec(text)?.groups ?? {};
  if (namespace !== undefined && suffix !== undefined) return { namespace, suffix };
  throw new Error(`environment: HOSTNAME_SUFFIXES: expected <namespace>=<suffix>, separated by commas, got ${text}`);
}
