/** State of a pool's gateway. No I/O. */
import { gatewayDeploymentName, gatewayServiceName, LABELS, MANAGED_BY } from '../../api/names.ts';
import type { Observed } from './observed.ts';

/** The names are there only while the objects are. */
export interface GatewayStatus {
  readonly ready: boolean;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly deploymentName?: string;
  readonly serviceName?: string;
}

/** An object that merely has the name of one of ours is not the gateway. */
const isOurs = (object: Observed['service']): boolean => object?.metadata.labels?.[LABELS.managedBy] === MANAGED_BY;

/** Ready when a replica is and the Service exists. */
export function makeGatewayStatus(observed: Observed): GatewayStatus {
  const { name } = observed.pool.metadata;
  const deployment = isOurs(observed.deployment) ? observed.deployment : undefined;
  const hasService = isOurs(observed.service);
  const readyReplicas = deployment?.status?.readyReplicas ?? 0;
  return {
    ready: readyReplicas >= 1 && hasService,
    // The apiserver writes out the default of a Deployment's replicas, so absent means no Deployment.
    replicas: deployment?.spec?.replicas ?? 0,
    readyReplicas,
    ...(deployment === undefined ? {} : { deploymentName: gatewayDeploymentName(name) }),
    ...(hasService ? { serviceName: gatewayServiceName(name) } : {}),
  };
}
