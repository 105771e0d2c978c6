/** Where clients reach a pool: what its status and the answers of the API say. No I/O. */
import { poolEndpoint, PORTS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../pool-reference.ts';

/** Of an Ingress or a Gateway that passes TLS through. */
const exposedPort = 443;

/** By the name outside of the cluster where one leads to the gateway, and else by its Service. */
export function endpointOf({ namespace, name }: PoolKey, { gateway = {} }: Pool['spec']): string {
  const { service = {}, exposure = {} } = gateway;
  const { port = PORTS.gateway, type } = service;
  const { hostname, ingress, gatewayAPI } = exposure;
  const exposed = [ingress, gatewayAPI].find((way) => way?.enabled === true);
  const passedThrough = exposed && (exposed.hostname ?? hostname);
  if (passedThrough !== undefined) return `tcp://${passedThrough}:${exposedPort}`;
  if (type === 'LoadBalancer' && hostname !== undefined) return `tcp://${hostname}:${port}`;
  return poolEndpoint(namespace, name, port);
}
