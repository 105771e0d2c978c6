import { describe, expect, it } from 'vitest';
import { GROUP, type Version } from '../../../api/names.ts';
import { convertObject } from '../../../core/conversion/convert.ts';
import type { Json } from './objects.ts';

const alpha = (spec: unknown): Json => makePool('v1alpha1', spec);
const beta = (spec: unknown): Json => makePool('v1beta1', spec);

const makePool = (version: Version, spec: unknown): Json => ({
  apiVersion: `${GROUP}/${version}`,
  kind: 'BuildKitPool',
  metadata: {
    name: 'pool',
    annotations: { [`${GROUP}/other-version`]: '{"v1alpha1":{"auth":"x"},"v1beta1":{"access":"x"}}' },
  },
  spec,
});

function convert(object: Json, to: Version): unknown {
  const converted = convertObject(object, to);
  if (!converted.ok) throw new Error(converted.error);
  return JSON.parse(JSON.stringify(converted.value));
}

/** v1alpha1 and v1beta1. */
const rows: readonly (readonly [string, object, object])[] = [
  ['an empty spec', {}, {}],
  [
    'scaling',
    {
      scaling: {
        mode: 'auto',
        min: 1,
        max: 2,
        scaleDownDelay: '5m',
        scaleDownSchedule: '0 0 * * *',
        targetCPUUtilization: 80,
        targetMemoryUtilization: 70,
        targetActiveConnections: 3,
      },
    },
    {
      workers: {
        scaling: {
          mode: 'auto',
          min: 1,
          max: 2,
          idleTimeout: '5m',
          schedule: '0 0 * * *',
          targets: { cpuUtilization: 80, memoryUtilization: 70, activeConnections: 3 },
        },
      },
    },
  ],
  [
    'the container of buildkitd',
    { buildkitImage: 'i', buildkitConfig: 'c', resources: { buildkit: { limits: { cpu: 2 } } } },
    { workers: { image: 'i', config: 'c', resources: { limits: { cpu: 2 } } } },
  ],
  [
    'the container of the gateway',
    {
      gatewayImage: 'i',
      gateway: {
        enabled: true,
        replicas: 2,
        resources: { requests: { cpu: '1' }, cpu: '1', memory: '1Gi', limits: { 'ephemeral-storage': '5Gi' } },
      },
    },
    {
      gateway: {
        enabled: true,
        image: 'i',
        replicas: 2,
        resources: { requests: { cpu: '1' }, limits: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '5Gi' } },
      },
    },
  ],
  [
    'resources of the sidecar',
    { resources: { sidecar: { limits: { cpu: '1', memory: 1024 } } } },
    { v1alpha1: { resources: { sidecar: { limits: { cpu: '1', memory: 1024 } } } } },
  ],
  [
    'the Service by gateway and networking',
    {
      gateway: { serviceType: 'NodePort', port: 1, nodePort: 30000, loadBalancerClass: 'l' },
      networking: { annotations: { a: 'b' }, allowedCIDRs: ['10.0.0.0/8'] },
    },
    {
      gateway: {
        service: {
          type: 'NodePort',
          port: 1,
          nodePort: 30000,
          loadBalancerClass: 'l',
          annotations: { a: 'b' },
          allowedCIDRs: ['10.0.0.0/8'],
        },
      },
    },
  ],
  [
    'the Service by networking alone',
    { networking: { serviceType: 'LoadBalancer', port: 7 } },
    { v1alpha1: { networking: { serviceType: 'LoadBalancer', port: 7 } } },
  ],
  [
    'gateway beside networking',
    { gateway: { port: 1 }, networking: { port: 2 } },
    { gateway: { service: { port: 1 } }, v1alpha1: { networking: { port: 2 } } },
  ],
  [
    'exposure',
    {
      networking: { external: { enabled: true, hostname: 'h', annotations: { a: 'b' } } },
      gateway: { gatewayAPI: { enabled: true }, ingress: { enabled: false } },
    },
    {
      gateway: {
        exposure: {
          enabled: true,
          hostname: 'h',
          annotations: { a: 'b' },
          gatewayAPI: { enabled: true },
          ingress: { enabled: false },
        },
      },
    },
  ],
  [
    'certificates',
    {
      tls: {
        mode: 'auto',
        auto: { serverCertDuration: '24h', rotateBeforeExpiry: '1h', organization: 'o' },
        manual: { serverCertSecret: 's', caSecret: 'c' },
      },
      gateway: { tokenTTL: '1h', maxTokenTTL: '2h' },
    },
    {
      certificates: {
        server: {
          mode: 'auto',
          ttl: '24h',
          rotateBefore: '1h',
          organization: 'o',
          manual: { certSecret: 's', caSecret: 'c' },
        },
        client: { ttl: '1h', maxTTL: '2h' },
      },
    },
  ],
  ['tls.enabled', { tls: { enabled: true } }, { v1alpha1: { tls: { enabled: true } } }],
  [
    'OIDC issuers among other methods',
    {
      auth: { methods: [{ type: 'oidc', oidc: { issuer: '1' } }, { type: 'mtls' }] },
      access: { oidc: { inline: [{ issuer: '3' }] } },
    },
    {
      v1alpha1: { auth: { methods: [{ type: 'oidc', oidc: { issuer: '1' } }, { type: 'mtls' }] } },
      access: { oidc: { inline: [{ issuer: '3' }] } },
    },
  ],
  [
    'rules of auth',
    { auth: { rbac: { enabled: true, rules: [{ users: ['u'] }] } } },
    { v1alpha1: { auth: { rbac: { enabled: true, rules: [{ users: ['u'] }] } } } },
  ],
  [
    'what v1beta1 added',
    {
      workers: {
        isolation: 'Privileged',
        sharing: 'Pool',
        egress: { allowedCIDRs: [] },
        template: { labels: { a: 'b' } },
        storage: { size: '9Gi' },
      },
      gateway: { proxyProtocolCIDRs: ['10.0.0.0/8'] },
    },
    {
      workers: {
        isolation: 'Privileged',
        sharing: 'Pool',
        egress: { allowedCIDRs: [] },
        template: { labels: { a: 'b' } },
        storage: { size: '9Gi' },
      },
      gateway: { proxyProtocolCIDRs: ['10.0.0.0/8'] },
    },
  ],
  ['an empty access', { access: {} }, { access: {} }],
  ['sections that are the same', { cache: {}, observability: {} }, { cache: {}, observability: {} }],
  [
    'empty sections of v1alpha1',
    { scaling: {}, tls: { auto: {} }, networking: { external: {} }, gateway: { gatewayAPI: {} }, workers: {} },
    {
      gateway: { exposure: { gatewayAPI: {} } },
      v1alpha1: { scaling: {}, tls: { auto: {} }, networking: { external: {} }, workers: {} },
    },
  ],
  [
    'empty sections of v1beta1',
    { gateway: { tokenTTL: '1h' }, v1beta1: { gateway: {}, workers: { scaling: { targets: {} } }, v1alpha1: {} } },
    { certificates: { client: { ttl: '1h' } }, gateway: {}, workers: { scaling: { targets: {} } }, v1alpha1: {} },
  ],
];

describe('a pool', () => {
  it.each(rows)('with %s is converted both ways', (_name, old, now) => {
    expect(convert(alpha(old), 'v1beta1')).toEqual(beta(now));
    expect(convert(beta(now), 'v1alpha1')).toEqual(alpha(old));
  });

  it('forgets that a section of the other version was empty when it has leaves now', () => {
    const now = { workers: { scaling: { min: 1 } }, v1alpha1: { scaling: {}, tls: {} } };
    expect(convert(beta(now), 'v1alpha1')).toEqual(alpha({ scaling: { min: 1 }, tls: {} }));
  });

  it('ignores a field in the section of the other version that has its own path', () => {
    expect(convert(beta({ v1alpha1: { scaling: { min: 7 } } }), 'v1alpha1')).toEqual(alpha({}));
    expect(convert(alpha({ v1beta1: { access: { workers: {} }, v1alpha1: { auth: {} } } }), 'v1beta1')).toEqual(
      beta({}),
    );
  });
});
