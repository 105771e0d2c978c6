import fc from 'fast-check';
import { isSchedule } from '../../../adapters/cron.ts';
import { parseToml } from '../../../adapters/toml.ts';
import { describe, expect, it } from 'vitest';
import { validatePool, type PoolPorts } from '../../../core/admission/validate-pool.ts';
import { makeDenial, makePoolRequest } from './reviews.ts';

/** A cluster whose pool is referred to from these namespaces; `calls` lists what it was asked. */
function makeCluster({ referrers = [] as string[], mayCustomize = false, isComplete = true } = {}) {
  const calls: string[] = [];
  const ports: PoolPorts = {
    reviewAccess: (user, { verb, namespace, name }) => {
      calls.push(`review ${user.username} ${verb} ${namespace}/${name}`);
      return Promise.resolve(mayCustomize);
    },
    listReferrers: ({ namespace, name }) => {
      calls.push(`list workers of ${namespace}/${name}`);
      return Promise.resolve({ namespaces: referrers, isComplete });
    },
    listNamespaceLabels: () => {
      calls.push('list namespaces');
      return Promise.resolve(
        new Map([
          ['tenant-b', { team: 'blue' }],
          ['tenant-c', { team: 'red' }],
        ]),
      );
    },
    clusterIssuer: 'https://cluster.example',
    isSchedule,
    parseToml,
  };
  return { ports, calls };
}

const grant = (namespaces: object) => ({ access: { workers: { namespaces } } });
const select = (key: string, ...values: string[]) =>
  grant({ from: 'Selector', selector: { matchExpressions: [{ key, operator: 'In', values }] } });
const byName = (...names: string[]) => select('kubernetes.io/metadata.name', ...names);

const pool = { kind: 'BuildKitPool', name: 'my-pool' };
const cannotCustomize = (...fields: string[]) =>
  makeDenial(
    pool,
    fields.map((field) => ({
      field: `spec.${field}`,
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: user "dev@tenant-a" cannot customize resource "buildkitpools" in API group ' +
        '"buildkit.smrt-devops.net" in the namespace "tenant-a": leave the field as it was, or ask the administrators ' +
        'of the cluster for the verb "customize"',
    })),
    true,
  );

const custom = {
  image: 'moby/buildkit',
  template: { labels: { a: 'b' } },
  isolation: 'Privileged',
  egress: { allowedCIDRs: ['10.0.0.0/8'] },
};

describe('what the workers are', () => {
  it.each(Object.entries(custom))('may be said with the right to customize: %s', async (field, value) => {
    const { ports, calls } = makeCluster({ mayCustomize: true });
    const answer = await validatePool(makePoolRequest({ workers: { [field]: value } }), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true });
    expect(calls).toEqual(['review dev@tenant-a customize tenant-a/my-pool']);
  });

  it('is refused without the right, every field in one answer', async () => {
    const { ports, calls } = makeCluster();
    const answer = await validatePool(makePoolRequest({ workers: custom }), ports);
    expect(answer).toEqual(cannotCustomize('workers.image', 'workers.isolation', 'workers.egress', 'workers.template'));
    expect(calls).toHaveLength(1);
  });

  it.each([{}, { workers: {} }, { workers: { config: 'debug = true', sharing: 'Pool', scaling: { max: 3 } } }])(
    'asks for no right where nothing of it is said: %j',
    async (spec) => {
      const { ports, calls } = makeCluster();
      expect((await validatePool(makePoolRequest(spec), ports)).response.allowed).toBe(true);
      expect(calls).toEqual([]);
    },
  );

  it('stays as it is, or goes back to the default where that gives no more, without the right', async () => {
    const { ports, calls } = makeCluster();
    const old = { workers: custom, gateway: { image: 'example.com/gateway:1' } };
    const { template } = custom;
    for (const spec of [{ workers: { ...custom, scaling: { max: 3 } } }, { workers: { template } }]) {
      expect((await validatePool(makePoolRequest(spec, old), ports)).response.allowed).toBe(true);
    }
    expect(calls).toEqual([]);
  });

  it('is not changed without the right', async () => {
    const { ports } = makeCluster();
    const spec = { workers: { ...custom, template: {}, isolation: 'UserNamespace' } };
    expect(await validatePool(makePoolRequest(spec, { workers: custom }), ports)).toEqual(
      cannotCustomize('workers.isolation', 'workers.template'),
    );
  });

  it.each([{}, { workers: {} }, { workers: { template: {} } }])(
    'does not lose a template that holds its Pods without the right: %j',
    async (spec) => {
      const { ports } = makeCluster();
      const old = { workers: { template: { runtimeClassName: 'gvisor' } } };
      expect(await validatePool(makePoolRequest(spec, old), ports)).toEqual(cannotCustomize('workers.template'));
    },
  );

  it('counts an empty template as none', async () => {
    const { ports, calls } = makeCluster();
    const spec = { workers: { template: {} } };
    expect((await validatePool(makePoolRequest(spec), ports)).response.allowed).toBe(true);
    expect((await validatePool(makePoolRequest({}, spec), ports)).response.allowed).toBe(true);
    expect(calls).toEqual([]);
  });

  it('is left undecided where the authorizer fails', async () => {
    const ports = { ...makeCluster().ports, reviewAccess: () => Promise.reject(new Error('etcd is away')) };
    await expect(validatePool(makePoolRequest({ workers: custom }), ports)).rejects.toThrow('etcd is away');
  });
});

describe('what the gateway is, and how it is reached', () => {
  const annotations = { 'service.example.com/internal': 'true' };
  const fields: [string, object][] = [
    ['image', { image: 'example.com/gateway:1' }],
    ['service.annotations', { service: { annotations } }],
    ['exposure.annotations', { exposure: { annotations } }],
    ['exposure.gatewayAPI.annotations', { exposure: { gatewayAPI: { annotations } } }],
    ['exposure.ingress.annotations', { exposure: { ingress: { annotations } } }],
  ];

  it.each(fields)('is refused without the right to customize: %s', async (field, gateway) => {
    const answer = await validatePool(makePoolRequest({ gateway }), makeCluster().ports);
    expect(answer).toEqual(cannotCustomize(`gateway.${field}`));
  });

  it.each(fields)('may be said with the right, and stays without: %s', async (_field, gateway) => {
    const { ports } = makeCluster({ mayCustomize: true });
    expect((await validatePool(makePoolRequest({ gateway }), ports)).response.allowed).toBe(true);
    const { ports: others, calls } = makeCluster();
    expect((await validatePool(makePoolRequest({ gateway }, { gateway }), others)).response.allowed).toBe(true);
    expect(calls).toEqual([]);
  });

  it.each(fields.filter(([field]) => field !== 'image'))(
    'are not removed without the right: %s',
    async (field, gateway) => {
      const answer = await validatePool(makePoolRequest({}, { gateway }), makeCluster().ports);
      expect(answer).toEqual(cannotCustomize(`gateway.${field}`));
    },
  );
});

describe('a narrowed grant', () => {
  const all = grant({ from: 'All' });
  it.each([
    ['1 worker in 1 namespace loses access', ['tenant-b'], all, {}],
    ['2 workers in 1 namespace lose access', ['tenant-b', 'tenant-b', 'tenant-a'], all, grant({ from: 'Same' })],
    ['3 workers in 2 namespaces lose access', ['tenant-b', 'tenant-c', 'tenant-b'], all, grant({ from: 'None' })],
    ['1 worker in 1 namespace loses access', ['tenant-b', 'tenant-c'], all, byName('tenant-b')],
    [
      '1 worker in 1 namespace loses access',
      ['tenant-b', 'tenant-c'],
      byName('tenant-b', 'tenant-c'),
      byName('tenant-b'),
    ],
  ])('warns: %s', async (warning, referrers, before, after) => {
    const { ports, calls } = makeCluster({ referrers });
    const answer = await validatePool(makePoolRequest(after, before), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true, warnings: [warning] });
    expect(calls).toEqual(['list workers of tenant-a/my-pool']);
  });

  it('looks at the labels of namespaces where they decide', async () => {
    const { ports, calls } = makeCluster({ referrers: ['tenant-b', 'tenant-c'] });
    const answer = await validatePool(makePoolRequest(select('team', 'blue'), all), ports);
    expect(answer.response.warnings).toContain('1 worker in 1 namespace loses access');
    expect(calls).toEqual(['list workers of tenant-a/my-pool', 'list namespaces']);
  });

  it('says where it has not counted all', async () => {
    const { ports } = makeCluster({ referrers: ['tenant-b'], isComplete: false });
    const answer = await validatePool(makePoolRequest({}, all), ports);
    expect(answer.response.warnings).toEqual(['at least 1 worker in 1 namespace loses access']);
  });

  it.each([
    ['nobody is left out', ['tenant-a', 'tenant-b'], byName('tenant-b', 'x'), byName('tenant-b')],
    ['the own namespace is closed, which workers do not feel', ['tenant-a'], all, grant({ from: 'None' })],
  ])('warns of nothing where %s', async (_, referrers, before, after) => {
    const { ports } = makeCluster({ referrers });
    expect((await validatePool(makePoolRequest(after, before), ports)).response.warnings).toBeUndefined();
  });

  it.each([
    ['opened', byName('tenant-b'), all],
    ['first given', {}, all],
    ['as it was', all, { ...all, workers: { scaling: { max: 2 } } }],
    ['narrowed for clients', { access: { clients: { namespaces: { from: 'All' } } } }, {}],
  ])('counts nothing where the grant is %s', async (_, before, after) => {
    const { ports, calls } = makeCluster({ referrers: ['tenant-b'] });
    expect((await validatePool(makePoolRequest(after, before), ports)).response.allowed).toBe(true);
    expect(calls).toEqual([]);
  });

  it('is never refused because nothing can be counted', async () => {
    const ports = { ...makeCluster().ports, listReferrers: () => Promise.reject(new Error('etcd is away')) };
    const answer = await validatePool(makePoolRequest({}, all), ports);
    expect(answer.response).toEqual({
      uid: 'review-1',
      allowed: true,
      warnings: ['spec.access.workers: the workers that lose access could not be counted'],
    });
  });
});

describe('a selector', () => {
  it('warns of every label that others may give, for workers and clients', async () => {
    const { ports } = makeCluster();
    const namespaces = {
      from: 'Selector',
      selector: {
        matchLabels: { team: 'blue', 'kubernetes.io/metadata.name': 'tenant-b' },
        matchExpressions: [{ key: 'zone', operator: 'Exists' }],
      },
    };
    const answer = await validatePool(
      makePoolRequest({ access: { workers: { namespaces }, clients: { namespaces } } }),
      ports,
    );
    const warning = (who: string) =>
      `spec.access.${who}.namespaces.selector: team, zone: whoever may label a namespace can let it in; ` +
      "only kubernetes.io/metadata.name is nobody's to choose";
    expect(answer.response.warnings).toEqual([warning('workers'), warning('clients')]);
  });

  it('by name warns of nothing', async () => {
    const answer = await validatePool(makePoolRequest(byName('tenant-b')), makeCluster().ports);
    expect(answer.response.warnings).toBeUndefined();
  });

  it('warns on one short line, however long its labels are', async () => {
    const matchLabels = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`${index}${'x'.repeat(60)}`, '']));
    const spec = grant({ from: 'Selector', selector: { matchLabels } });
    const { warnings = [] } = (await validatePool(makePoolRequest(spec), makeCluster().ports)).response;
    expect(warnings.map((line) => line.length <= 256 && !line.includes('\n'))).toEqual([true]);
  });
});

describe('a deleted pool', () => {
  const remove = (old: unknown = {}) => makePoolRequest(undefined, old, { operation: 'DELETE', object: null });

  it.each([
    [[], undefined],
    [
      ['tenant-b', 'tenant-a'],
      ['2 workers in 2 namespaces still refer to this pool: it goes when none of them is allocated'],
    ],
  ])('warns of who refers to it: %j', async (referrers, warnings) => {
    const { ports } = makeCluster({ referrers });
    expect((await validatePool(remove({ workers: custom }), ports)).response).toEqual({
      uid: 'review-1',
      allowed: true,
      ...(warnings === undefined ? {} : { warnings }),
    });
  });

  it('is deleted although nothing can be counted', async () => {
    const ports = { ...makeCluster().ports, listReferrers: () => Promise.reject(new Error('etcd is away')) };
    expect((await validatePool(remove(), ports)).response).toEqual({
      uid: 'review-1',
      allowed: true,
      warnings: ['the workers that refer to this pool could not be counted'],
    });
  });
});

describe('issuers of its own', () => {
  const inline = (...issuers: string[]) => ({
    access: { oidc: { inline: issuers.map((issuer) => ({ issuer, audience: 'a' })) } },
  });

  it('may not be the cluster, nor private', async () => {
    const request = makePoolRequest(inline('https://ok.example', 'https://cluster.example', 'http://x.example'));
    expect(await validatePool(request, makeCluster().ports)).toEqual(
      makeDenial(pool, [
        {
          field: 'spec.access.oidc.inline[1].issuer',
          reason: 'FieldValueForbidden',
          message: "Forbidden: is this cluster's own issuer, whose tokens count only when the apiserver says so",
        },
        {
          field: 'spec.access.oidc.inline[2].issuer',
          reason: 'FieldValueInvalid',
          message:
            'Invalid value: "http://x.example": expected https and a public host outside the namespace buildkit-system',
        },
      ]),
    );
  });

  it('are kept where they are older than the rule', async () => {
    const request = makePoolRequest({ ...inline('http://x.example'), workers: {} }, inline('http://x.example'));
    expect((await validatePool(request, makeCluster().ports)).response.allowed).toBe(true);
  });

  it('that strangers share bind a claim', async () => {
    const request = makePoolRequest(inline('https://ok.example', 'https://gitlab.com'));
    expect(await validatePool(request, makeCluster().ports)).toEqual(
      makeDenial(pool, [
        {
          field: 'spec.access.oidc.inline[1].boundClaims',
          reason: 'FieldValueRequired',
          message:
            'Required value: anybody can get a token of this issuer for any audience: ' +
            'bind project_id or namespace_id or user_id',
        },
      ]),
    );
  });

  it('that strangers share earn a warning where only names are bound', async () => {
    const claimed = { issuer: 'https://gitlab.com', audience: 'a', boundClaims: { project_path: ['a/b'] } };
    const request = makePoolRequest({ access: { oidc: { inline: [claimed] } } });
    expect((await validatePool(request, makeCluster().ports)).response.warnings).toEqual([
      'spec.access.oidc.inline[0].boundClaims: project_path: who is named can change, and another be named so; ' +
        'bind project_id or namespace_id or user_id',
    ]);
  });

  it('that strangers share never lose their claims, and stay where they had none', async () => {
    const open = inline('https://gitlab.com');
    const bound = {
      access: { oidc: { inline: [{ issuer: 'https://gitlab.com', audience: 'a', boundClaims: { user_id: ['1'] } }] } },
    };
    expect((await validatePool(makePoolRequest(open, bound), makeCluster().ports)).response.allowed).toBe(false);
    const older = makePoolRequest({ ...open, workers: {} }, open);
    expect((await validatePool(older, makeCluster().ports)).response.allowed).toBe(true);
  });
});

describe('texts that a library reads', () => {
  const configured = (config: string) => ({ workers: { config } });
  const judge = async (now: object, before?: object) =>
    (await validatePool(makePoolRequest(now, before), makeCluster().ports)).response;

  it('are refused where they do not parse', async () => {
    const request = makePoolRequest({
      workers: { scaling: { schedule: '61 * * * *' }, config: 'a = 1\n[worker.oci\n' },
      cache: { gc: { schedule: '0 0 31 2 *' } },
    });
    const schedule = 'expected a cron expression of five fields that matches some day';
    expect(await validatePool(request, makeCluster().ports)).toEqual(
      makeDenial(pool, [
        {
          field: 'spec.workers.scaling.schedule',
          reason: 'FieldValueInvalid',
          message: `Invalid value: "61 * * * *": ${schedule}`,
        },
        {
          field: 'spec.cache.gc.schedule',
          reason: 'FieldValueInvalid',
          message: `Invalid value: "0 0 31 2 *": ${schedule}`,
        },
        {
          field: 'spec.workers.config',
          reason: 'FieldValueInvalid',
          message: 'Invalid value: expected buildkitd.toml, got something else at line 2, column 12',
        },
      ]),
    );
  });

  it('are admitted where they parse', async () => {
    const spec = {
      workers: { scaling: { schedule: '0 20 * * 1-5' }, config: '[registry."docker.io"]\nmirrors = ["m.example"]\n' },
    };
    expect(await judge(spec)).toEqual({ uid: 'review-1', allowed: true });
  });

  it('say nothing of how buildkitd is reached or holds its builds', async () => {
    const config = 'insecure-entitlements = ["security.insecure"]\n[worker.oci]\nbinary = "/x"\n[grpc]\naddress = []\n';
    const why = 'not one of the settings of buildkitd that a pool may choose';
    expect((await judge(configured(config))).status?.details.causes).toEqual(
      ['insecure-entitlements', 'worker.oci.binary', 'grpc'].map((key) => ({
        field: 'spec.workers.config',
        reason: 'FieldValueForbidden',
        message: `Forbidden: ${key}: ${why}`,
      })),
    );
  });

  it.each(['grpc', 'GRPC', 'gRpC', '"grpc"', "'grpc'", '"\\u0067rpc"', ' grpc '])(
    'find %s however it is written',
    async (key) => {
      expect((await judge(configured(`[${key}]\n`))).allowed).toBe(false);
      expect((await judge(configured(`${key}.address = ["tcp://0.0.0.0:1"]\n`))).allowed).toBe(false);
      expect((await judge(configured(`a = """\n"""\n${key} = { address = [] }\n`))).allowed).toBe(false);
    },
  );

  it('are bounded in depth', async () => {
    const deep = Array<string>(17).fill('a').join('.');
    expect((await judge(configured(`${deep} = 1`))).status?.message).toContain(
      'spec.workers.config: Invalid value: expected buildkitd.toml at most 16 deep',
    );
    expect((await judge(configured(`${Array<string>(32_000).fill('a').join('.')} = 1`))).allowed).toBe(false);
    expect((await judge(configured(`a = ${'['.repeat(30_000)}`))).allowed).toBe(false);
  });

  it('are kept where they are older than the rule', async () => {
    const old = { workers: { config: 'no toml', scaling: { schedule: 'never' } } };
    expect((await judge({ ...old, gateway: {} }, old)).allowed).toBe(true);
  });
});

describe('a spec that breaks the schema', () => {
  const broken = { workers: { isolation: 'Root', image: 7 } };
  const requestKind = { group: 'buildkit.smrt-devops.net', version: 'v1alpha1', kind: 'BuildKitPool' };
  const causesOf = async (changes: object) => {
    const { ports, calls } = makeCluster({ mayCustomize: true });
    const { response } = await validatePool(makePoolRequest(broken, undefined, changes), ports);
    expect(calls).toEqual([]);
    return response.status?.details.causes;
  };

  it.each([
    ['v1beta1', {}, 'spec.workers.image'],
    ['v1alpha1', { requestKind }, 'spec.buildkitImage'],
  ])('is refused, by the fields of %s', async (_version, changes, image) => {
    expect(await causesOf(changes)).toEqual([
      {
        field: image,
        reason: 'FieldValueInvalid',
        message: 'Invalid value: Invalid input: expected string, received number',
      },
      {
        field: 'spec.workers.isolation',
        reason: 'FieldValueInvalid',
        message: 'Invalid value: Invalid option: expected one of "UserNamespace"|"Privileged"',
      },
    ]);
  });

  it('is refused whatever else it says, which is never taken for absent', async () => {
    const spec = {
      access: {
        revokedBefore: '2020-01-01t00:00:00z',
        oidc: { inline: [{ issuer: 'http://169.254.169.254', audience: 'x' }] },
      },
    };
    const { response } = await validatePool(makePoolRequest(spec), makeCluster().ports);
    expect(response.status?.details.causes?.map(({ field }) => field)).toEqual(['spec.access.revokedBefore']);
  });

  it('keeps what was there before', async () => {
    const changed = { workers: { ...broken.workers, scaling: { max: 1 } } };
    const answer = await validatePool(makePoolRequest(changed, broken), makeCluster().ports);
    expect(answer.response.allowed).toBe(true);
  });
});

describe('words of v1alpha1', () => {
  const requestKind = { group: 'buildkit.smrt-devops.net', version: 'v1alpha1', kind: 'BuildKitPool' };
  const method = (issuer: string) => ({
    v1alpha1: { auth: { methods: [{ type: 'oidc', oidc: { issuer, audience: 'x' } }] } },
  });

  it.each([
    [{}, 'spec.v1alpha1.auth.methods[0].oidc.issuer'],
    [{ requestKind }, 'spec.auth.methods[0].oidc.issuer'],
  ])('name issuers that are judged as any other: %j', async (changes, field) => {
    const { response } = await validatePool(
      makePoolRequest(method('http://10.0.0.1'), undefined, changes),
      makeCluster().ports,
    );
    expect(response.status?.details.causes?.[0]?.field).toBe(field);
  });

  it.each([
    [
      { v1alpha1: { networking: { port: 1 } }, gateway: { service: { port: 2 } } },
      ['spec.v1alpha1.networking.port: spec.gateway.service.port counts'],
    ],
    [
      { v1alpha1: { resources: { sidecar: { limits: { cpu: 1 } } } }, gateway: { resources: { limits: { cpu: 1 } } } },
      ['spec.v1alpha1.resources.sidecar.limits: spec.gateway.resources.limits counts'],
    ],
    [
      {
        v1alpha1: { resources: { sidecar: { limits: { cpu: 1 } } } },
        gateway: { resources: { limits: { memory: 1 } } },
      },
      undefined,
    ],
    [{ v1alpha1: { networking: { port: 1 } } }, undefined],
  ])('that count for nothing earn a warning: %j', async (spec, warnings) => {
    const { response } = await validatePool(makePoolRequest(spec), makeCluster().ports);
    expect([response.allowed, response.warnings]).toEqual([true, warnings]);
  });
});

it('decides on anything', async () => {
  const { ports } = makeCluster({ referrers: ['tenant-b'] });
  const spec = fc.oneof(fc.jsonValue(), fc.record({ access: fc.jsonValue(), workers: fc.jsonValue() }));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('CREATE', 'UPDATE', 'DELETE'), spec, spec, async (operation, now, before) => {
      expect((await validatePool(makePoolRequest(now, before, { operation }), ports)).response.uid).toBe('review-1');
    }),
  );
});

describe('a word that means nothing here', () => {
  it.each([
    ['certificates.server.mode', { certificates: { server: { mode: 'manual' } } }, '"manual": expected auto'],
    [
      'gateway.exposure.gatewayAPI.tls.mode',
      { gateway: { exposure: { gatewayAPI: { tls: { mode: 'terminate' } } } } },
      '"terminate": expected passthrough',
    ],
    ['observability.metrics.port', { observability: { metrics: { port: 1236 } } }, '1236: expected another port'],
  ])('is refused where the owner would rely on it: %s', async (field, spec, message) => {
    const { response } = await validatePool(makePoolRequest(spec), makeCluster().ports);
    expect(response.allowed).toBe(false);
    const [cause] = response.status?.details.causes ?? [];
    expect(cause?.field).toBe(`spec.${field}`);
    expect(cause?.message).toContain(message);
    // What is stored can still be changed elsewhere.
    const kept = makePoolRequest({ ...spec, access: {} }, spec);
    expect((await validatePool(kept, makeCluster().ports)).response.allowed).toBe(true);
  });

  it('is stored with a warning otherwise, by the name of its field in either version', async () => {
    const spec = {
      workers: { scaling: { targets: { cpuUtilization: 70 } } },
      cache: { backends: [{ type: 'registry', registry: { endpoint: 'example.com/c', credentialsSecret: 's' } }] },
    };
    const { warnings = [] } = (await validatePool(makePoolRequest(spec), makeCluster().ports)).response;
    expect(warnings).toEqual([
      'spec.workers.scaling.targets.cpuUtilization: has no effect: ' +
        'a worker serves one lease at a time: leases add workers, not load',
      'spec.cache.backends[0].registry.credentialsSecret: has no effect: ' +
        'buildkitd logs in with what the client brings: no Secret is read',
    ]);
  });
});
