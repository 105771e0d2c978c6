/** The install Job, and a daily one: makes and rotates keys, and hands the webhook CA to the apiserver, then ends. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { inClusterKube } from '../../adapters/environment.ts';
import { createCaBundleWriter } from '../../adapters/kube/ca-bundles.ts';
import { createKubeClient, type KubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { withLease } from '../../adapters/kube/lease.ts';
import { createSecrets } from '../../adapters/kube/secrets.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import {
  inspectRoot,
  inspectWebhookLeaf,
  isSignedBy,
  makeRoot,
  makeWebhookLeaf,
} from '../../adapters/x509/authorities.ts';
import { authorityLeaseSeconds } from '../../api/limits.ts';
import { AUTHORITY_LEASE } from '../../api/names.ts';
import { makeClientRootProfile, makeWebhookRootProfile } from '../../core/certificates/profile.ts';
import { ensureAuthority, type AuthorityPorts } from './ensure.ts';

export interface AuthorityConfig {
  readonly kube: KubeClientOptions;
  /** DNS names and IPv4 addresses at which webhooks are served, beside their Service's name. */
  readonly webhookNames: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** @throws {Error} when another run is under way, and when a Secret can't be read or is broken: nothing is then changed. */
export async function runAuthority({ kube: options, webhookNames, now }: AuthorityConfig, log: Log): Promise<void> {
  const kube = await createKubeClient(options);
  const lease = {
    kube,
    name: AUTHORITY_LEASE,
    holder: `${hostname()}_${randomUUID()}`,
    durationSeconds: authorityLeaseSeconds,
    now,
  };
  try {
    await withLease(lease, async () => {
      await ensureAuthority(wirePorts(kube, now(), log), webhookNames);
    });
  } finally {
    kube.close();
  }
}

function wirePorts(kube: KubeClient, nowMs: number, log: Log): AuthorityPorts {
  const now = Math.floor(nowMs / 1000);
  const { get, create, change } = createSecrets(kube);
  return {
    now,
    getSecret: get,
    createSecret: create,
    changeSecret: change,
    makeClientRoot: () => makeRoot(makeClientRootProfile, now),
    makeWebhookRoot: () => makeRoot(makeWebhookRootProfile, now),
    makeWebhookLeaf: (ca, names) => makeWebhookLeaf(ca, names, now),
    inspectRoot: (root) => inspectRoot(root, now),
    inspectLeaf: inspectWebhookLeaf,
    isSignedBy,
    writeCaBundle: createCaBundleWriter(kube),
    log,
  };
}

if (import.meta.main) {
  await runAuthority({ kube: inClusterKube(), webhookNames: [], now: Date.now }, createLog('authority'));
}
