/**
 * CloudEvents 1.0 over HTTP, binary and structured mode, as Knative's sources and our bridge send them.
 *
 * An event only says where to look: only its names and its resourceVersion are used. No I/O.
 */
import { namespaceName, poolName } from '../../api/fields.ts';
import { GROUP, KINDS, LABELS, MANAGED_BY, poolOfGatewayDeployment } from '../../api/names.ts';
import { at, isJsonObject } from '../json.ts';
import { poolOfWorker, type PoolKey } from '../pool-reference.ts';
import { parseResourceVersion } from '../resource-version.ts';
import { err, ok, type Result } from '../result.ts';
import { PING_EVENT_TYPE, RESOURCE_EVENT_TYPES } from './types.ts';

/** The state of an object that an event is about, or its deletion: a list at that version or later shows it. */
export interface ObjectVersion {
  /** `gateway`: Deployment or Service. `any`: whatever the status of the pool depends on. */
  readonly kind: 'pool' | 'worker' | 'gateway' | 'any';
  /** Where the object is. */
  readonly namespace: string;
  /**
   * Undefined where nothing can be said of how late it is: as of a `gateway`, which may lie in another storage, whose
   * versions say nothing here.
   */
  readonly version: number | undefined;
}

/**
 * Which pools an event may concern. `namespace`: pools with workers in it. `configs`: the OIDC configs of a namespace, and
 * pools that list them. `none`: it is about nothing of ours.
 */
export type Touched =
  | { readonly touched: 'one'; readonly pool: PoolKey; readonly object: ObjectVersion }
  | { readonly touched: 'namespace'; readonly namespace: string }
  | { readonly touched: 'configs'; readonly namespace: string }
  | { readonly touched: 'all' }
  | { readonly touched: 'none' };

/** Attributes by name, the same in both modes; `label` says how the sender wrote one. */
interface Event {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly label: (attribute: string) => string;
  readonly readData: () => Result<unknown, string>;
}

const none: Touched = { touched: 'none' };

const isPoolName = (value: unknown): value is string => poolNameSchema.safeParse(value).success;
const isNamespace = (value: unknown): value is string => namespaceSchema.safeParse(value).success;
const poolNameSchema = poolName('');
const namespaceSchema = namespaceName('');

/** `headers` have lower-case names. The error names the field, what was expected and what came. */
export function parseEvent(headers: Readonly<Record<string, string>>, body: string): Result<Touched, string> {
  const opened = open(headers, body);
  if (!opened.ok) return opened;
  const event = opened.value;
  const fault = findFault(event);
  if (fault !== undefined) return err(fault);
  const type = event.attributes['type'];
  if (type === PING_EVENT_TYPE) return readPing(event);
  return Object.values(RESOURCE_EVENT_TYPES).some((known) => known === type) ? readResource(event) : ok(none);
}

function open(headers: Readonly<Record<string, string>>, body: string): Result<Event, string> {
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === 'application/json') return ok(openBinary(headers, body));
  if (mediaType === 'application/cloudevents+json') return openStructured(body);
  return expected('content-type', 'application/json or application/cloudevents+json', headers['content-type']);
}

function openBinary(headers: Readonly<Record<string, string>>, body: string): Event {
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith('ce-'));
  return {
    attributes: Object.fromEntries(attributes.map(([name, value]) => [name.slice('ce-'.length), value])),
    label: (attribute) => `ce-${attribute}`,
    readData: () => parseJson(body),
  };
}

function openStructured(body: string): Result<Event, string> {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const envelope = parsed.value;
  if (!isJsonObject(envelope)) return expected('body', 'an object', envelope);
  return ok({ attributes: envelope, label: (attribute) => attribute, readData: () => ok(envelope['data']) });
}

/** The attributes that CloudEvents 1.0 requires. */
function findFault({ attributes, label }: Event): string | undefined {
  if (attributes['specversion'] !== '1.0') return describe(label('specversion'), '1.0', attributes['specversion']);
  const missing = ['id', 'source', 'type'].find((name) => !isText(attributes[name]));
  return missing === undefined ? undefined : describe(label(missing), 'a non-empty string', attributes[missing]);
}

function readPing(event: Event): Result<Touched, string> {
  const data = event.readData();
  if (!data.ok) return data;
  const resync = at(data.value, ['resync']);
  return resync === 'all' ? ok({ touched: 'all' }) : expected('data.resync', '"all"', resync);
}

type Reader = (event: Event) => Result<Touched, string>;

function readResource(event: Event): Result<Touched, string> {
  const { attributes, label } = event;
  const missing = ['apiversion', 'kind'].find((name) => !isText(attributes[name]));
  if (missing !== undefined) return expected(label(missing), 'a non-empty string', attributes[missing]);
  const reader = readers.get(`${groupOf(String(attributes['apiversion']))}/${String(attributes['kind'])}`);
  return reader === undefined ? ok(none) : reader(event);
}

const readNamespace: Reader = ({ attributes: { name }, label }) =>
  isNamespace(name) ? ok({ touched: 'namespace', namespace: name }) : expected(label('name'), 'a namespace', name);

interface NamespacedEvent {
  readonly key: PoolKey;
  readonly nameLabel: string;
  readonly data: Readonly<Record<string, unknown>>;
}
type NamespacedReader = (event: NamespacedEvent) => Result<Touched, string>;

const namespaced =
  (reader: NamespacedReader): Reader =>
  ({ attributes: { namespace, name }, label, readData }) => {
    if (!isNamespace(namespace)) return expected(label('namespace'), 'a namespace', namespace);
    if (!isText(name)) return expected(label('name'), 'the name of an object', name);
    const data = readData();
    if (!data.ok) return data;
    if (!isJsonObject(data.value)) return expected('data', 'an object', data.value);
    return reader({ key: { namespace, name }, nameLabel: label('name'), data: data.value });
  };

const readPool: NamespacedReader = ({ key, nameLabel, data }) =>
  isPoolName(key.name)
    ? ok({ touched: 'one', pool: key, object: readVersion('pool', key.namespace, data) })
    : expected(nameLabel, 'the name of a pool', key.name);

const readVersion = (kind: ObjectVersion['kind'], namespace: string, data: unknown): ObjectVersion => ({
  kind,
  namespace,
  version: parseResourceVersion(at(data, ['metadata', 'resourceVersion'])),
});

/** Which of several configs counts depends on the others of its namespace. */
const readOidcConfig: NamespacedReader = ({ key: { namespace } }) => ok({ touched: 'configs', namespace });

/** The reference of a worker never changes, so its last state says enough even when it is gone. */
const readWorker: NamespacedReader = ({ data }) => {
  const name = at(data, ['spec', 'poolRef', 'name']);
  if (!isPoolName(name)) return expected('data.spec.poolRef.name', 'the name of a pool', name);
  const namespace = at(data, ['spec', 'poolRef', 'namespace']);
  if (namespace !== undefined && !isNamespace(namespace)) {
    return expected('data.spec.poolRef.namespace', 'a namespace', namespace);
  }
  const own = at(data, ['metadata', 'namespace']);
  if (!isNamespace(own)) return expected('data.metadata.namespace', 'a namespace', own);
  return ok({
    touched: 'one',
    pool: poolOfWorker({ metadata: { namespace: own }, spec: { poolRef: { name, namespace } } }),
    object: readVersion('worker', own, data),
  });
};

/** A gateway's objects are looked up by the pool's name, so their own name leads back to it. */
const readGatewayPart =
  (poolOf: (name: string) => string | undefined): NamespacedReader =>
  ({ key, data }) => {
    const isOurs = at(data, ['metadata', 'labels', LABELS.managedBy]) === MANAGED_BY;
    const name = poolOf(key.name);
    if (!isOurs || !isPoolName(name)) return ok(none);
    const { namespace } = key;
    return ok({
      touched: 'one',
      pool: { namespace, name },
      object: { kind: 'gateway', namespace, version: undefined },
    });
  };

/** What belongs to the workers of a pool says so by its labels. */
const readWorkerPart: NamespacedReader = ({ key, data }) => {
  const label = (name: string): unknown => at(data, ['metadata', 'labels', name]);
  const name = label(LABELS.workerPool);
  const namespace = label(LABELS.workerPoolNamespace) ?? key.namespace;
  if (label(LABELS.managedBy) !== MANAGED_BY || !isPoolName(name) || !isNamespace(namespace)) return ok(none);
  return ok({ touched: 'one', pool: { namespace, name }, object: readVersion('worker', key.namespace, data) });
};

const readers: ReadonlyMap<string, Reader> = new Map([
  [`${GROUP}/${KINDS.pool.kind}`, namespaced(readPool)],
  [`${GROUP}/${KINDS.worker.kind}`, namespaced(readWorker)],
  [`${GROUP}/${KINDS.oidcConfig.kind}`, namespaced(readOidcConfig)],
  ['apps/Deployment', namespaced(readGatewayPart(poolOfGatewayDeployment))],
  ['/Service', namespaced(readGatewayPart((name) => name))],
  ['/Pod', namespaced(readWorkerPart)],
  ['coordination.k8s.io/Lease', namespaced(readWorkerPart)],
  ['/Namespace', readNamespace],
]);

/** The core group is the empty string. */
const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.lastIndexOf('/')));

function parseJson(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err('body: expected JSON, got something else');
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const expected = (field: string, what: string, got: unknown) => err(describe(field, what, got));
const describe = (field: string, what: string, got: unknown): string => `${field}: expected ${what}, got ${quote(got)}`;

/** Containers are only named: one nested deeply enough could not be printed. */
function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (isJsonObject(value)) return 'an object';
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 64) : value);
}
