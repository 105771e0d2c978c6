import { describe, expect, it } from 'vitest';
import { CARRIED_ANNOTATION, GROUP, type Version } from '../../../api/names.ts';
import { convertObject } from '../../../core/conversion/convert.ts';
import type { Json } from './objects.ts';

const alpha = (spec: unknown, carried?: unknown): Json => makePool('v1alpha1', spec, carried);
const beta = (spec: unknown, carried?: unknown): Json => makePool('v1beta1', spec, carried);

function makePool(version: Version, spec: unknown, carried: unknown): Json {
  const text = typeof carried === 'string' ? carried : JSON.stringify(carried);
  const annotations = carried === undefined ? {} : { annotations: { [CARRIED_ANNOTATION]: text } };
  return { apiVersion: `${GROUP}/${version}`, kind: 'BuildKitPool', metadata: { name: 'pool', ...annotations }, spec };
}

function convert(object: Json, to: Version): unknown {
  const converted = convertObject(object, to);
  if (!converted.ok) throw new Error(converted.error);
  return JSON.parse(JSON.stringify(converted.value));
}

/** v1alpha1, v1beta1 and, where v1beta1 can't say all of it, the words that are carried. */
const rows: readonly (readonly [string, object, object, object?])[] = [
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
      gateway: { enabled: true, replicas: 2, resources: { cpu: '1', memory: '1Gi' } },
      resources: { sidecar: { requests: { cpu: '1' }, limits: { 'ephemeral-storage': '5Gi' } } },
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
    'limits of the sidecar as text',
    { resources: { sidecar: { limits: { cpu: '1', memory: 1024 } } } },
    { gateway: { resources: { limits: { cpu: '1', memory: 1024 } } } },
    { resources: { sidecar: { limits: { cpu: null } } } },
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
    { gateway: { service: { type: 'LoadBalancer', port: 7 } } },
    { networking: { serviceType: null, port: null } },
  ],
  [
    'gateway, which wins over networking',
    { gateway: { port: 1 }, networking: { port: 2 } },
    { gateway: { service: { port: 1 } } },
    { gateway: { port: null }, networking: { port: 2 } },
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
  ['tls.enabled', { tls: { enabled: true } }, {}, { tls: { enabled: true } }],
  [
    'OIDC issuers among other methods',
    {
      auth: {
        methods: [
          { type: 'oidc', oidc: { issuer: '1' } },
          { type: 'mtls' },
          { type: 'oidc', oidc: { issuer: '2' }, mtls: {} },
        ],
      },
      access: { oidc: { inline: [{ issuer: '3' }] } },
    },
    { access: { oidc: { inline: [{ issuer: '1' }, { issuer: '2' }, { issuer: '3' }] } } },
    { auth: { methods: [{}, [{ type: 'mtls' }], { mtls: {} }] } },
  ],
  [
    'rules of auth',
    { auth: { rbac: { enabled: true, rules: [{ users: ['u'] }] } } },
    { access: { clients: { rules: [{ users: ['u'] }] } } },
    { auth: { rbac: { enabled: true, rules: null } } },
  ],
  [
    'rules of auth that do not count',
    { auth: { rbac: { enabled: false, rules: [{ users: ['u'] }] } } },
    {},
    { auth: { rbac: { enabled: false, rules: [{ users: ['u'] }] } } },
  ],
  ['an empty access', { access: {} }, {}, { access: {} }],
  ['sections that are the same', { cache: {}, observability: {} }, { cache: {}, observability: {} }],
  [
    'empty sections',
    { scaling: {}, tls: { auto: {} }, networking: { external: {} }, gateway: { gatewayAPI: {} } },
    { gateway: { exposure: { gatewayAPI: {} } } },
    { scaling: {}, tls: { auto: {} }, networking: { external: {} } },
  ],
];

describe('a pool', () => {
  it.each(rows)('with %s is converted both ways', (_name, old, now, carried) => {
    const words = carried === undefined ? undefined : { v1alpha1: carried };
    expect(convert(alpha(old), 'v1beta1')).toEqual(beta(now, words));
    expect(convert(beta(now, words), 'v1alpha1')).toEqual(alpha(old));
  });

  it('says in v1alpha1 what v1beta1 alone can say by the annotation', () => {
    const workers = { isolation: 'Privileged', sharing: 'Pool', egress: {}, template: { labels: { a: 'b' } } };
    const old = alpha({ buildkitImage: 'i' }, { v1beta1: { workers } });
    expect(convert(beta({ workers: { ...workers, image: 'i' } }), 'v1alpha1')).toEqual(old);
    expect(convert(old, 'v1beta1')).toEqual(beta({ workers: { ...workers, image: 'i' } }));
  });

  it('that was edited in v1beta1 keeps the place its value had in v1alpha1', () => {
    const carried = { v1alpha1: { gateway: { port: null }, networking: { port: 2, serviceType: null } } };
    const old = { gateway: { port: 5 }, networking: { port: 2, serviceType: 'NodePort' } };
    expect(convert(beta({ gateway: { service: { port: 5, type: 'NodePort' } } }, carried), 'v1alpha1')).toEqual(
      alpha(old),
    );
    expect(convert(beta({}, carried), 'v1alpha1')).toEqual(alpha({}));
  });

  it('loses an issuer in v1alpha1 when v1beta1 drops it, and shows one it adds', () => {
    const carried = { v1alpha1: { auth: { methods: [{}, [{ type: 'mtls' }], {}] } } };
    const inline = (...issuers: string[]) => ({ access: { oidc: { inline: issuers.map((issuer) => ({ issuer })) } } });
    expect(convert(beta(inline('2'), carried), 'v1alpha1')).toEqual(
      alpha({ auth: { methods: [{ type: 'oidc', oidc: { issuer: '2' } }, { type: 'mtls' }] } }),
    );
    expect(convert(beta(inline('1', '2', '3'), carried), 'v1alpha1')).toMatchObject({
      spec: { auth: { methods: [{ oidc: { issuer: '1' } }, {}, { oidc: { issuer: '2' } }] }, ...inline('3') },
    });
  });
});

describe('the annotation', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['a word of no version', '{"v2":{}}'],
    ['no words', '{"v1alpha1":7,"v1beta1":"x"}'],
    ['words of __proto__', '{"__proto__":{"v1beta1":{"workers":{"sharing":"Pool"}}}}'],
    ['a nest of 10,000', `{"v1beta1":{"workers":{"template":${'['.repeat(10_000)}${']'.repeat(10_000)}}}}`],
    ['more than any object holds', JSON.stringify({ v1beta1: { workers: { template: 'x'.repeat(300_000) } } })],
  ])('that holds %s does no harm', (_name, text) => {
    expect(convert(alpha({ buildkitImage: 'i' }, text), 'v1beta1')).toEqual(beta({ workers: { image: 'i' } }));
  });

  it.each([
    ['a grant', { access: { workers: { namespaces: { from: 'All' } }, clients: { rules: [{ users: ['*'] }] } } }],
    ['an issuer', { access: { oidc: { inline: [{ issuer: 'mine' }], configRefs: [{ name: 'mine' }] } } }],
    ['a value v1alpha1 has too', { workers: { image: 'mine', scaling: { max: 9 } }, cache: { gc: {} } }],
  ])('cannot bring %s into v1beta1', (_name, words) => {
    expect(convert(alpha({}, { v1beta1: words }), 'v1beta1')).toEqual(beta({}));
  });

  it.each([
    ['rules', { auth: { rbac: { rules: [{ users: ['*'] }] } } }, {}],
    [
      'rules beside others',
      { auth: { rbac: { rules: [{ users: ['*'] }], enabled: true } } },
      { auth: { rbac: { enabled: true } } },
    ],
    ['an issuer', { auth: { methods: [[{ type: 'oidc', oidc: { issuer: 'mine' } }], {}] } }, { auth: { methods: [] } }],
  ])('cannot bring %s into v1alpha1', (_name, words, left) => {
    expect(convert(beta({}, { v1alpha1: words }), 'v1alpha1')).toEqual(alpha(left));
  });

  it('is left out where the annotations would grow above what the apiserver takes', () => {
    const annotations = { note: 'ä'.repeat(131_050) };
    const object = { ...alpha({ tls: { enabled: true } }), metadata: { name: 'pool', annotations } };
    expect(convert(object, 'v1beta1')).toEqual({ ...beta({}), metadata: { name: 'pool', annotations } });
    const room = { note: 'ä'.repeat(130_000) };
    expect(convert({ ...object, metadata: { annotations: room } }, 'v1beta1')).toMatchObject({
      metadata: { annotations: { ...room, [CARRIED_ANNOTATION]: '{"v1alpha1":{"tls":{"enabled":true}}}' } },
    });
  });
});
