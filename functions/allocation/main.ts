/** The allocation app over real ports, for the service `api`. */
import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAllocationStore } from '../../adapters/kube/allocation.ts';
import type { KubeClient } from '../../adapters/kube/client.ts';
import type { IsClusterToken } from '../../adapters/kube/cluster-keys.ts';
import { listOidcConfigs } from '../../adapters/kube/oidc-configs.ts';
import { createTokenReviewer } from '../../adapters/kube/token-review.ts';
import type { Log } from '../../adapters/log.ts';
import type { OpenLookups } from '../../adapters/shared-lookups.ts';
import { createClientVerifier } from '../../adapters/x509/client-verifier.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { createAcquire } from '../../core/allocation/acquire.ts';
import type { NamedPrincipal, PrincipalPorts } from '../../core/allocation/principal.ts';
import { mayUse } from '../../core/allocation/use.ts';
import { createAllocate } from './allocate.ts';
import { createAllocationApp } from './app.ts';
import { createRenew } from './renew.ts';

export interface AllocationConfig {
  readonly kube: KubeClient;
  readonly lookups: OpenLookups;
  readonly isClusterToken: IsClusterToken;
  readonly clusterFqdn: string;
  readonly caFolder: string;
}

export function wireAllocation(
  { kube, lookups, isClusterToken, clusterFqdn, caFolder }: AllocationConfig,
  log: Log,
): ReturnType<typeof createAllocationApp> {
  const now = () => new Date();
  const store = createAllocationStore(kube);
  const permits = (named: NamedPrincipal, pool: Pool) =>
    mayUse(named, pool, { ...lookups(), ...createPrincipalPorts(kube) });
  return createAllocationApp({
    authenticate: createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, isClusterToken, now: Date.now }),
    getPool: (key) => lookups().getPool(key),
    allocate: createAllocate({
      verify: createClientVerifier({ caFolder, clusterFqdn, now: Date.now }),
      mayUse: permits,
      acquire: createAcquire({ store, now, pause: (ms) => sleep(ms) }),
      listLeases: store.listLeases,
      clusterFqdn,
      now,
    }),
    renew: createRenew({ store, mayUse: permits, now }),
    clusterFqdn,
    newRequestId: randomUUID,
    log,
  });
}

const createPrincipalPorts = (kube: KubeClient): PrincipalPorts => ({
  getOidcConfig: async ({ namespace, name }) =>
    (await listOidcConfigs(kube, namespace)).find(({ metadata }) => metadata.name === name),
  sha256: (text) => hash('sha256', text),
});
