/** How clients outside of the cluster reach a gateway: by an Ingress or by the Gateway API. TLS ends in our gateway. */
import { gatewayDeploymentName, gatewayServiceName, PORTS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { defined, managedLabels, ownedByPool, type KubeObject } from './objects.ts';

export interface Exposure {
  readonly wanted: readonly KubeObject[];
  /** What an earlier spec of the pool may have asked for. */
  readonly unwanted: readonly KubeObject[];
}

export function makeExposure(pool: Pool): Exposure {
  const { ingress, gatewayAPI } = pool.spec.gateway?.exposure ?? {};
  // Nothing is looked for of what the cluster may not have, unless the pool names it.
  const routes = gatewayAPI === undefined ? [] : [{ isWanted: gatewayAPI.enabled === true, object: makeRoute(pool) }];
  const all = [{ isWanted: ingress?.enabled === true, object: makeIngress(pool) }, ...routes];
  return {
    wanted: all.filter(({ isWanted }) => isWanted).map(({ object }) => object),
    unwanted: all.filter(({ isWanted }) => !isWanted).map(({ object }) => object),
  };
}

const metadataOf = (pool: Pool, annotations: Readonly<Record<string, string>>): KubeObject['metadata'] => ({
  name: gatewayDeploymentName(pool.metadata.name),
  namespace: pool.metadata.namespace,
  labels: managedLabels,
  ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  ownerReferences: ownedByPool(pool),
});

const portOf = ({ spec }: Pool): number => spec.gateway?.service?.port ?? PORTS.gateway;

/** Passed through as it is: the ingress controllers of nginx and HAProxy take this from their annotations. */
const passthrough = {
  'nginx.ingress.kubernetes.io/ssl-passthrough': 'true',
  'nginx.ingress.kubernetes.io/backend-protocol': 'HTTPS',
  'haproxy.org/ssl-passthrough': 'true',
};

function makeIngress(pool: Pool): KubeObject {
  const { exposure = {} } = pool.spec.gateway ?? {};
  const { ingress = {}, annotations } = exposure;
  const host = ingress.hostname ?? exposure.hostname;
  const backend = { service: { name: gatewayServiceName(pool.metadata.name), port: { number: portOf(pool) } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadataOf(pool, { ...annotations, ...ingress.annotations, ...passthrough }),
    spec: defined({
      ingressClassName: ingress.ingressClassName,
      rules: [defined({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })],
      tls: host === undefined ? undefined : [{ hosts: [host] }],
    }),
  };
}

function makeRoute(pool: Pool): KubeObject {
  const { exposure = {} } = pool.spec.gateway ?? {};
  const { gatewayAPI = {}, annotations } = exposure;
  const name = gatewayAPI.gatewayRef?.name ?? gatewayAPI.gatewayName ?? '';
  const hostname = gatewayAPI.hostname ?? exposure.hostname;
  return {
    apiVersion: 'gateway.networking.k8s.io/v1alpha2',
    kind: 'TLSRoute',
    metadata: metadataOf(pool, { ...annotations, ...gatewayAPI.annotations }),
    spec: defined({
      parentRefs: [defined({ name, namespace: gatewayAPI.gatewayRef?.namespace })],
      hostnames: hostname === undefined ? undefined : [hostname],
      rules: [{ backendRefs: [{ name: gatewayServiceName(pool.metadata.name), port: portOf(pool) }] }],
    }),
  };
}
