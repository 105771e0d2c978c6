import { expect, test } from 'vitest';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import { endpointOf } from '../../../core/pool/endpoint.ts';

type Gateway = NonNullable<Pool['spec']['gateway']>;
const hostname = 'builds.example.com';

test.each<[string, string, Gateway]>([
  ['of its Service', 'tcp://pool.tenant-a.svc:1235', {}],
  ['of its Service, at the port of that', 'tcp://pool.tenant-a.svc:443', { service: { port: 443 } }],
  ['of its Ingress', `tcp://${hostname}:443`, { exposure: { ingress: { enabled: true, hostname } } }],
  ['of its route', `tcp://${hostname}:443`, { exposure: { hostname, gatewayAPI: { enabled: true } } }],
  ['of its load balancer', `tcp://${hostname}:1235`, { service: { type: 'LoadBalancer' }, exposure: { hostname } }],
  [
    'of no Ingress that is not there',
    'tcp://pool.tenant-a.svc:1235',
    { exposure: { hostname, ingress: { hostname } } },
  ],
  ['of no Ingress without a name', 'tcp://pool.tenant-a.svc:1235', { exposure: { ingress: { enabled: true } } }],
])('the endpoint of a pool is that %s', (_, expected, gateway) => {
  expect(endpointOf({ namespace: 'tenant-a', name: 'pool' }, { gateway })).toBe(expected);
});
