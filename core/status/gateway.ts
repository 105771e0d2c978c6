/** State of a pool's gateway. No I/O. */
import { gatewayDeploymentName, gatewayServiceName, LABELS, MANAGED_BY } from '../../api/names.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { GatewayObjects } from './observed.ts';
import { CONDITION_TYPES, REASONS } from './reasons.ts';

/** The names are there only while the objects are. */
export interface GatewayStatus {
  readonly ready: boolean;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly deploymentName?: string;
  readonly serviceName?: string;
}

/** An object that merely has the name of one of ours is not the gateway. */
const isOurs = (object: GatewayObjects['service']): boolean =>
  object?.metadata.labels?.[LABELS.managedBy] === MANAGED_BY;

/** The first object that merely has the name of one of ours. */
export function findConflict(name: string, { deployment, service }: GatewayObjects): string | undefined {
  const named = [
    { object: deployment, label: `Deployment "${gatewayDeploymentName(name)}"` },
    { object: service, label: `Service "${gatewayServiceName(name)}"` },
  ];
  const foreign = named.find(({ object }) => object !== undefined && !isOurs(object));
  return foreign && `${foreign.label} is there and belongs to somebody else: rename it, or delete it`;
}

/** As the last run wrote it. */
export const readConflict = ({ conditions = [] }: PoolStatus): string | undefined =>
  conditions.find(({ type, reason }) => type === CONDITION_TYPES.gatewayReady && reason === REASONS.nameConflict)
    ?.message;

/** As the last run wrote it. */
export const readGatewayStatus = ({ gateway = {} }: PoolStatus): GatewayStatus => {
  const { ready = false, replicas = 0, readyReplicas = 0, deploymentName, serviceName } = gateway;
  return {
    ready,
    replicas,
    readyReplicas,
    ...(deploymentName === undefined ? {} : { deploymentName }),
    ...(serviceName === undefined ? {} : { serviceName }),
  };
};

/** Of the pool of that name: ready when a replica is and the Service exists. */
export function makeGatewayStatus(name: string, found: GatewayObjects): GatewayStatus {
  const deployment = isOurs(found.deployment) ? found.deployment : undefined;
  const hasService = isOurs(found.service);
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
