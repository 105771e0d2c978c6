import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeEvent } from '../../../core/events/make.ts';
import { parseEvent } from '../../../core/events/parse.ts';

const ours = { 'app.kubernetes.io/managed-by': 'buildkit-controller' };
const metadata = (name: string, labels = {}) => ({
  name,
  namespace: 'tenant-a',
  uid: 'u',
  resourceVersion: '7',
  labels,
});
const kinds = {
  pool: { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitPool', plural: 'buildkitpools' },
  worker: { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitWorker', plural: 'buildkitworkers' },
  config: {
    apiVersion: 'buildkit.smrt-devops.net/v1beta1',
    kind: 'BuildKitOIDCConfig',
    plural: 'buildkitoidcconfigs',
  },
  unknown: { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitCache', plural: 'buildkitcaches' },
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  service: { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  knativeService: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', plural: 'services' },
};
const origin = { id: 'e-1', source: 'https://10.0.0.1' };

const worker = (poolRef: unknown) => ({ metadata: metadata('worker-1'), spec: { poolRef } });
const event = (kind: keyof typeof kinds, object: { metadata: ReturnType<typeof metadata> }) =>
  makeEvent(kinds[kind], { change: 'update', object }, origin);

const parse = ({ headers, body }: { headers: Readonly<Record<string, string>>; body: string }) =>
  parseEvent(headers, body);
const one = (namespace: string, name: string, object: object) => ({
  ok: true,
  value: { touched: 'one', pool: { namespace, name }, object },
});
/** What `metadata` stands for. */
const at7 = (kind: string) => ({ kind, namespace: 'tenant-a', version: 7 });
const none = { ok: true, value: { touched: 'none' } };
const refused = (error: string) => ({ ok: false, error });

describe('points at', () => {
  test.each(['add', 'update', 'delete'] as const)('the pool itself (%s)', (change) => {
    expect(parse(makeEvent(kinds.pool, { change, object: { metadata: metadata('p') } }, origin))).toEqual(
      one('tenant-a', 'p', at7('pool')),
    );
  });
  test("the pool of a worker's reference", () => {
    const poolRef = { name: 'shared-pool', namespace: 'buildkit-system' };
    expect(parse(event('worker', worker(poolRef)))).toEqual(one('buildkit-system', 'shared-pool', at7('worker')));
  });
  test('the pool of the same namespace when the reference names none', () => {
    expect(parse(event('worker', worker({ name: 'my-pool' })))).toEqual(one('tenant-a', 'my-pool', at7('worker')));
  });
  test("the pool of a gateway's Deployment and Service", () => {
    const found = one('tenant-a', 'p', { kind: 'gateway', namespace: 'tenant-a', version: undefined });
    expect(parse(event('deployment', { metadata: metadata('p-gateway', ours) }))).toEqual(found);
    expect(parse(event('service', { metadata: metadata('p', ours) }))).toEqual(found);
  });
  test('the namespace itself, whatever its last state', () => {
    const namespaces = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' };
    const object = { metadata: { name: 'tenant-a', uid: 'u', resourceVersion: '7' } };
    const { headers } = makeEvent(namespaces, { change: 'update', object }, origin);
    expect(parseEvent(headers, '')).toEqual({ ok: true, value: { touched: 'namespace', namespace: 'tenant-a' } });
    expect(parseEvent({ ...headers, 'ce-namespace': '' }, '{}')).toMatchObject({ ok: true });
    expect(parseEvent({ ...headers, 'ce-name': '../x' }, '{}')).toEqual(
      refused('ce-name: expected a namespace, got "../x"'),
    );
  });
  test('all pools on a ping', () => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/apis/v1/namespaces/n/pingsources/p',
      'ce-type': 'dev.knative.sources.ping',
    };
    expect(parseEvent(headers, '{"resync":"all"}')).toEqual({ ok: true, value: { touched: 'all' } });
    expect(parseEvent(headers, '{"resync":["all"]}')).toEqual(refused('data.resync: expected "all", got an array'));
  });
});

test('an OIDC config points at those of its namespace: which of them counts depends on the others', () => {
  const touched = { ok: true, value: { touched: 'configs', namespace: 'tenant-a' } };
  expect(parse(event('config', { metadata: metadata('c') }))).toEqual(touched);
});

test.each([undefined, null, 7, '', '0', '07', '-7', '1e3', '7 ', '99999999999999999999', ['7'], {}])(
  'does not know how late an object is whose resourceVersion is %j',
  (resourceVersion) => {
    const object = {
      ...worker({ name: 'my-pool' }),
      metadata: { ...metadata('w'), resourceVersion: resourceVersion as string },
    };
    expect(parse(event('worker', object))).toEqual(
      one('tenant-a', 'my-pool', { kind: 'worker', namespace: 'tenant-a', version: undefined }),
    );
  },
);

describe('ignores', () => {
  test.each([
    ['a kind of ours that is none', event('unknown', { metadata: metadata('c') })],
    ['a Deployment that is not ours', event('deployment', { metadata: metadata('p-gateway') })],
    ['a Deployment of ours that is no gateway', event('deployment', { metadata: metadata('webhooks', ours) })],
    ['a Service of another group', event('knativeService', { metadata: metadata('p', ours) })],
    ['another type of event', { ...event('pool', { metadata: metadata('p') }), type: 'com.example.other' }],
  ])('%s', (_, { headers, body, ...other }) => {
    expect(parseEvent({ ...headers, ...('type' in other ? { 'ce-type': other.type } : {}) }, body)).toEqual(none);
  });
});

describe('structured mode', () => {
  const headers = { 'content-type': 'application/cloudevents+json' };
  const envelope = {
    specversion: '1.0',
    id: '1',
    source: 's',
    type: 'dev.knative.apiserver.resource.delete',
    apiversion: 'buildkit.smrt-devops.net/v1beta1',
    kind: 'BuildKitWorker',
    namespace: 'tenant-a',
    name: 'worker-1',
    data: worker({ name: 'my-pool' }),
  };
  test('means the same', () => {
    expect(parseEvent(headers, JSON.stringify(envelope))).toEqual(one('tenant-a', 'my-pool', at7('worker')));
  });
  test.each([
    ['body: expected an object, got an array', []],
    ['specversion: expected 1.0, got "0.3"', { ...envelope, specversion: '0.3' }],
    ['id: expected a non-empty string, got 7', { ...envelope, id: 7 }],
    ['namespace: expected a namespace, got nothing', { ...envelope, namespace: undefined }],
    ['data: expected an object, got nothing', { ...envelope, data: undefined }],
  ])('%s', (message, body) => {
    expect(parseEvent(headers, JSON.stringify(body))).toEqual(refused(message));
  });
});

describe('refuses', () => {
  const good = event('worker', worker({ name: 'my-pool' }));
  const without = (name: string) => {
    const headers = Object.entries(good.headers).filter(([header]) => header !== name);
    return { headers: Object.fromEntries(headers), body: good.body };
  };
  const withHeader = (name: string, value: string) => ({
    headers: { ...good.headers, [name]: value },
    body: good.body,
  });
  test.each([
    ['body: expected JSON, got something else', { ...good, body: '{' }],
    ['content-type: expected application/json or application/cloudevents+json, got nothing', without('content-type')],
    [
      'content-type: expected application/json or application/cloudevents+json, got "text/plain"',
      withHeader('content-type', 'text/plain'),
    ],
    ['ce-specversion: expected 1.0, got nothing', without('ce-specversion')],
    ['ce-id: expected a non-empty string, got ""', withHeader('ce-id', '')],
    ['ce-source: expected a non-empty string, got nothing', without('ce-source')],
    ['ce-type: expected a non-empty string, got nothing', without('ce-type')],
    ['ce-kind: expected a non-empty string, got nothing', without('ce-kind')],
    ['ce-apiversion: expected a non-empty string, got nothing', without('ce-apiversion')],
    ['ce-namespace: expected a namespace, got "../x"', withHeader('ce-namespace', '../x')],
    ['ce-name: expected the name of an object, got nothing', without('ce-name')],
    ['data: expected an object, got null', { ...good, body: 'null' }],
    ['data.spec.poolRef.name: expected the name of a pool, got nothing', event('worker', worker({}))],
    ['data.spec.poolRef.name: expected the name of a pool, got "../x"', event('worker', worker({ name: '../x' }))],
    [
      'data.spec.poolRef.namespace: expected a namespace, got null',
      event('worker', worker({ name: 'p', namespace: null })),
    ],
    [
      'data.metadata.namespace: expected a namespace, got nothing',
      { ...good, body: '{"spec":{"poolRef":{"name":"p"}}}' },
    ],
    ['ce-name: expected the name of a pool, got "UPPER"', event('pool', { metadata: metadata('UPPER') })],
  ])('%s', (message, { headers, body }) => {
    expect(parseEvent(headers, body)).toEqual(refused(message));
  });
});

const attribute = fc.oneof(
  fc.string(),
  fc.constantFrom(...Object.values(kinds).flatMap(({ apiVersion, kind }) => [apiVersion, kind])),
);
const headersArbitrary = fc.oneof(
  fc.dictionary(fc.string(), fc.string()),
  fc.record(
    {
      'content-type': fc.constantFrom('application/json', 'application/cloudevents+json'),
      'ce-specversion': fc.constant('1.0'),
      'ce-id': attribute,
      'ce-source': attribute,
      'ce-type': fc.constantFrom('dev.knative.sources.ping', 'dev.knative.apiserver.resource.add'),
      'ce-apiversion': attribute,
      'ce-kind': attribute,
      'ce-name': attribute,
      'ce-namespace': fc.oneof(attribute, fc.constant('tenant-a')),
    },
    { requiredKeys: [] },
  ),
);

test('never throws, and names only what can be a pool', () => {
  fc.assert(
    fc.property(headersArbitrary, fc.oneof(fc.string(), fc.json()), (headers, body) => {
      const parsed = parseEvent(headers, body);
      if (!parsed.ok) expect(parsed.error).toMatch(/^[\w.-]+: expected .+, got ./);
      else if (parsed.value.touched === 'one') {
        expect(`${parsed.value.pool.namespace}/${parsed.value.pool.name}`).toMatch(
          /^[-a-z0-9]{1,63}\/[-a-z0-9]{1,52}$/,
        );
      }
    }),
  );
});

test('stands a body nested as deeply as its size allows', () => {
  const { headers } = event('worker', worker({ name: 'p' }));
  const depth = 100_000;
  const body = `{"spec":{"poolRef":{"name":${'['.repeat(depth)}${']'.repeat(depth)}}}}`;
  expect(parseEvent(headers, body)).toEqual(
    refused('data.spec.poolRef.name: expected the name of a pool, got an array'),
  );
});
