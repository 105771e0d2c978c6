/** Which names the certificate of a gateway is for. No I/O. */
import { gatewayServiceName } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { GatewayServer } from '../certificates/lifecycle.ts';
import { nanosecondsPerSecond, parseDuration } from '../duration.ts';
import { defined } from './objects.ts';
import type { LifecycleSettings } from './settings.ts';

type Settings = Pick<LifecycleSettings, 'hostnameSuffixes'>;

/** `others`: pools that may claim a name of this one. */
export function gatewayServerOf(pool: Pool, settings: Settings, others: readonly Pool[]): GatewayServer {
  const { ttl, organization } = pool.spec.certificates?.server ?? {};
  const life = ttl === undefined ? undefined : parseDuration(ttl);
  const ttlSeconds = life?.ok === true ? Number(life.value / nanosecondsPerSecond) : undefined;
  return defined({ organization, ttlSeconds, hostnames: divideHostnames(pool, settings, others).held });
}

/** `held`: the names of its Service, whatever owners say, and what they may claim. `lost`: what an older pool claims, too. */
function divideHostnames(pool: Pool, settings: Settings, others: readonly Pool[]) {
  const { name, namespace } = pool.metadata;
  const service = gatewayServiceName(name);
  const own = [service, `${service}.${namespace}`, `${service}.${namespace}.svc`];
  const older = others.filter((other) => isOlder(other, pool)).flatMap((other) => listClaims(other, settings));
  const claims = listClaims(pool, settings);
  const claimed = claims.filter((hostname) => !older.includes(hostname));
  const held = [...own, `${service}.${namespace}.svc.cluster.local`, 'localhost', ...claimed];
  return { held, lost: claims.filter((hostname) => !held.includes(hostname)) };
}

/** Names that an older pool claims, too: it keeps them. */
export const listLostHostnames = (pool: Pool, settings: Settings, others: readonly Pool[]): readonly string[] =>
  divideHostnames(pool, settings, others).lost;

const listClaims = (pool: Pool, settings: Settings): readonly string[] =>
  claimedHostnames(pool).filter((hostname) => isClaimable(hostname, pool.metadata.namespace, settings));

/** Of two that were made in one second, one in the same order everywhere. */
function isOlder({ metadata: other }: Pool, { metadata: own }: Pool): boolean {
  const [left, right] = [other.creationTimestamp ?? '', own.creationTimestamp ?? ''];
  return left === right ? other.uid < own.uid : left < right;
}

export function claimedHostnames({ spec }: Pool): readonly string[] {
  const { hostname, ingress, gatewayAPI } = spec.gateway?.exposure ?? {};
  const names = [hostname, ingress?.hostname, gatewayAPI?.hostname].filter((name) => name !== undefined);
  return [...new Set(names)];
}

/** Names of the cluster itself: with one of them a tenant could pass for any of our functions. */
const ofCluster = /(^|\.)(svc|cluster\.local|localhost)$/;

/** Whoever installs says which namespace may claim what; nobody may by default. */
export const isClaimable = (hostname: string, namespace: string, { hostnameSuffixes }: Settings): boolean =>
  hostname.includes('.') &&
  !ofCluster.test(hostname) &&
  hostnameSuffixes.some(
    (allowed) =>
      (allowed.namespace === namespace || allowed.namespace === '*') &&
      (hostname === allowed.suffix || hostname.endsWith(`.${allowed.suffix}`)),
  );
