/** Who may connect to the gateway of a pool. No I/O. */
import { gatewayDeploymentName, GROUP, LABELS, NAMESPACE_NAME_LABEL } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { metadataOf } from './gateway-objects.ts';
import { workerPoolLabels, type KubeObject } from './objects.ts';

/**
 * From whom the gateway takes connections, beside what policies of others open. `workerNamespaces`: where the pool has
 * workers, each once, in an order that stays.
 */
export function makeGatewayPolicy(pool: Pool, workerNamespaces: readonly string[]): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(pool, gatewayDeploymentName(pool.metadata.name)),
    spec: {
      podSelector: { matchLabels: { [LABELS.pool]: pool.metadata.name } },
      policyTypes: ['Ingress'],
      ingress: [
        ...listPeers(pool).map((from) => ({ from, ports: [{ protocol: 'TCP', port: 'buildkit' }] })),
        ...(workerNamespaces.length === 0 ? [] : [letInWorkers(pool, workerNamespaces)]),
        ...(pool.spec.observability?.metrics?.enabled === false ? [] : [letInReaders]),
      ],
    },
  };
}

const letInReaders = {
  from: [{ namespaceSelector: { matchLabels: { [`${GROUP}/metrics-reader`]: 'true' } } }],
  ports: [{ protocol: 'TCP', port: 'metrics' }],
};

/** With their CSRs: other Pods that have their labels need the token of a worker's Pod as well. */
const letInWorkers = (pool: Pool, namespaces: readonly string[]) => ({
  from: [
    {
      namespaceSelector: { matchExpressions: [{ key: NAMESPACE_NAME_LABEL, operator: 'In', values: namespaces }] },
      podSelector: { matchLabels: workerPoolLabels(pool.metadata) },
    },
  ],
  ports: [{ protocol: 'TCP', port: 'keys' }],
});

function listPeers({ spec: { access, gateway } }: Pool): readonly (readonly object[])[] {
  const { service = {}, exposure } = gateway ?? {};
  const isExposed = (service.type ?? 'ClusterIP') !== 'ClusterIP' || exposure?.enabled === true;
  const everywhere = isExposed && service.allowedCIDRs === undefined ? ['0.0.0.0/0', '::/0'] : [];
  const blocks = [...(service.allowedCIDRs ?? []), ...everywhere].map((cidr) => ({ ipBlock: { cidr } }));
  const namespaces = selectNamespaces(access?.clients?.namespaces ?? { from: 'Same' });
  return [namespaces, blocks].filter((peers) => peers.length > 0);
}

type Namespaces = NonNullable<NonNullable<NonNullable<Pool['spec']['access']>['clients']>['namespaces']>;

function selectNamespaces({ from, selector }: Namespaces): readonly object[] {
  const own = { podSelector: {} };
  switch (from) {
    case 'All':
      return [{ namespaceSelector: {} }];
    case 'Selector':
      return [own, { namespaceSelector: selector ?? { matchLabels: { [LABELS.pool]: '' } } }];
    case 'Same':
      return [own];
    case 'None':
      return [];
  }
}
