/** The install Job: makes the CAs and hands the webhook CA to the apiserver, then ends. */
import { inClusterKube } from '../../adapters/environment.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createTlsSecrets } from '../../adapters/kube/tls-secrets.ts';
import { createCaBundleWriter } from '../../adapters/kube/ca-bundles.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { checkRoot, checkWebhookLeaf, makeRoot, makeWebhookLeaf } from '../../adapters/x509/authorities.ts';
import { makeClientRootProfile, makeWebhookRootProfile } from '../../core/certificates/profile.ts';
import { ensureAuthority } from './ensure.ts';

export interface AuthorityConfig {
  readonly kube: KubeClientOptions;
  /** DNS names and IPv4 addresses at which webhooks are served, beside their Service's name. */
  readonly webhookNames: readonly string[];
}

/** @throws {Error} when a Secret can't be read or is broken; nothing that exists is then changed. */
export async function runAuthority({ kube: options, webhookNames }: AuthorityConfig, log: Log): Promise<void> {
  const kube = await createKubeClient(options);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const { get, create } = createTlsSecrets(kube);
  try {
    await ensureAuthority(
      {
        getSecret: get,
        createSecret: create,
        makeClientRoot: () => makeRoot(makeClientRootProfile, nowSeconds),
        makeWebhookRoot: () => makeRoot(makeWebhookRootProfile, nowSeconds),
        makeWebhookLeaf: (ca, names) => makeWebhookLeaf(ca, names, nowSeconds),
        checkRoot: (root) => {
          checkRoot(root, nowSeconds);
        },
        checkWebhookLeaf: (leaf, ca, names) => {
          checkWebhookLeaf(leaf, ca, names, nowSeconds);
        },
        writeCaBundle: createCaBundleWriter(kube),
        log,
      },
      webhookNames,
    );
  } finally {
    kube.close();
  }
}

if (import.meta.main) await runAuthority({ kube: inClusterKube(), webhookNames: [] }, createLog('authority'));
