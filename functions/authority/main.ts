/** The install Job, and a daily one: makes and rotates keys, tells who verifies which CAs to trust, then ends. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { inClusterKube, KUBE_VARIABLES, readVariables } from '../../adapters/environment.ts';
import { createCaBundleWriter } from '../../adapters/kube/ca-bundles.ts';
import { createKubeClient, type KubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { withLease } from '../../adapters/kube/lease.ts';
import { createSecrets } from '../../adapters/kube/secrets.ts';
import { createTrustBundle } from '../../adapters/kube/trust-bundle.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createAuthorities } from '../../adapters/x509/authorities.ts';
import { authorityCallTimeoutMs, authorityLeaseSeconds } from '../../api/limits/authority.ts';
import { AUTHORITY_LEASE, DEFAULT_CLUSTER_DOMAIN, FIELD_MANAGERS, ROTATE_ANNOTATION } from '../../api/names.ts';
import { parseTime } from '../../core/authority/status.ts';
import { parseClusterDomain, parseClusterFqdn } from '../../core/certificates/profile.ts';
import { listApiNames } from './api.ts';
import { ensureAuthority } from './ensure.ts';
import type { AuthorityPorts } from './ports.ts';

export interface AuthorityConfig {
  readonly kube: KubeClientOptions;
  /** Names this cluster in every certificate; at least one dot. */
  readonly clusterFqdn: string;
  /** What names of Services end in, in this cluster. */
  readonly clusterDomain?: string | undefined;
  /** DNS names and IPv4 addresses at which webhooks are served, beside their Service's name. */
  readonly webhookNames: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * @throws {Error} for a cluster FQDN that is none; when another run is under way; and when something is lost, can't be
 * read or is broken: nothing is then changed.
 */
export async function runAuthority(config: AuthorityConfig, log: Log): Promise<void> {
  const { webhookNames, now } = config;
  const clusterFqdn = parseClusterFqdn(config.clusterFqdn);
  if (!clusterFqdn.ok) throw new Error(clusterFqdn.error);
  const clusterDomain = parseClusterDomain(config.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN);
  if (!clusterDomain.ok) throw new Error(clusterDomain.error);
  const client = await createKubeClient(config.kube, { fieldManager: FIELD_MANAGERS.authority });
  const kube: KubeClient = { ...client, call: (call) => client.call({ timeoutMs: authorityCallTimeoutMs, ...call }) };
  const lease = {
    kube,
    name: AUTHORITY_LEASE,
    holder: `${hostname()}_${randomUUID()}`,
    durationSeconds: authorityLeaseSeconds,
    now,
  };
  try {
    await withLease(lease, async ({ [ROTATE_ANNOTATION]: request }) => {
      const askedAt = parseTime(request);
      if (request !== undefined && askedAt === undefined) log.warn('request for a rotation not understood');
      const settings = { askedAt, nowMs: now(), clusterFqdn: clusterFqdn.value, clusterDomain: clusterDomain.value };
      await ensureAuthority(wirePorts(kube, settings, log), webhookNames);
    });
  } finally {
    kube.close();
  }
}

interface RunSettings {
  readonly nowMs: number;
  readonly askedAt: number | undefined;
  readonly clusterFqdn: string;
  readonly clusterDomain: string;
}

function wirePorts(
  kube: KubeClient,
  { nowMs, askedAt, clusterFqdn, clusterDomain }: RunSettings,
  log: Log,
): AuthorityPorts {
  const now = Math.floor(nowMs / 1000);
  const { get, create, change } = createSecrets(kube);
  const trust = createTrustBundle(kube);
  return {
    apiNames: listApiNames(clusterDomain),
    now,
    askedAt,
    getSecret: get,
    createSecret: create,
    changeSecret: change,
    getTrust: trust.get,
    writeTrust: trust.write,
    ...createAuthorities({ nowSeconds: now, clusterFqdn }),
    writeCaBundle: createCaBundleWriter(kube),
    log,
  };
}

if (import.meta.main) {
  const { CLUSTER_FQDN } = readVariables([...KUBE_VARIABLES, 'CLUSTER_FQDN']);
  const { CLUSTER_DOMAIN: clusterDomain } = process.env;
  const kube = inClusterKube();
  const config = { kube, clusterFqdn: CLUSTER_FQDN, clusterDomain, webhookNames: [], now: Date.now };
  await runAuthority(config, createLog('authority'));
}
