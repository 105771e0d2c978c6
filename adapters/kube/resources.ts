/**
 * Objects of one kind, by the API class of @kubernetes/client-node that serves them:
 *
 *     const found = await deployments(kube).get({ namespace, name });
 *     await deployments(kube).apply(makeDeployment(pool));
 *
 * The client names the field manager. To add a kind, add a line at the end.
 */
import type { ConfigurationOptions } from '@kubernetes/client-node';
import {
  AppsV1Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  EventsV1Api,
  NetworkingV1Api,
  PolicyV1Api,
} from '#client-node';
import { GROUP, KINDS, STORAGE_VERSION } from '../../api/names.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { readPool } from '../../core/pool/read.ts';
import { configure, type ApiClass, type CallOptions, type Kube } from './api.ts';
import { orUndefined } from './errors.ts';
import type { Json } from './json.ts';
import {
  listPages,
  readFirstPage,
  type FirstPage,
  type Listed,
  type Page,
  type ReadPage,
  type Selection,
} from './list.ts';

export interface Key {
  readonly namespace: string;
  readonly name: string;
}

export interface ListQuery extends Selection {
  /** Absent: of every namespace. */
  readonly namespace?: string | undefined;
}

export interface WriteOptions {
  readonly subresource?: 'status';
  readonly dryRun?: 'All';
  readonly timeoutMs?: number;
}

export interface PatchOptions extends WriteOptions {
  /** By default an array is a JSON patch (RFC 6902), and an object a merge patch (RFC 7386). */
  readonly type?: 'strategic';
}

export interface ApplyOptions extends WriteOptions {
  /** Takes over what other field managers own; true by default, as controllers are advised to. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  /** Of which both must still be so: 409 otherwise. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

/** `apiVersion` and `kind` are known here and need not be said; `metadata` names the object. */
export type Writable<T> = Omit<Partial<T>, 'metadata'> & {
  readonly metadata: T extends { readonly metadata?: infer M } ? Partial<NonNullable<M>> : never;
};

/** Every method throws KubeError for an answer that is not named here. */
export interface Resource<T> {
  /** Undefined where there is none. */
  readonly get: (key: Key) => Promise<T | undefined>;
  /** One consistent state, page by page; of each object only what `keep` returns is held. */
  readonly list: <K>(query: ListQuery, keep: (object: T) => K) => Promise<Listed<K>>;
  /** For an answer that must not cost more however much there is. */
  readonly listFirstPage: (query: ListQuery) => Promise<FirstPage<T>>;
  readonly create: (object: Writable<T>, options?: WriteOptions) => Promise<T>;
  /** Server-side apply: creates the object, or changes what is named in it. */
  readonly apply: (object: Writable<T>, options?: ApplyOptions) => Promise<T>;
  readonly patch: (key: Key, change: object, options?: PatchOptions) => Promise<T>;
  /** With `metadata.resourceVersion` only if nobody wrote the object since. */
  readonly replace: (object: Writable<T>, options?: WriteOptions) => Promise<T>;
  /** False where there is none. */
  readonly delete: (key: Key, options?: DeleteOptions) => Promise<boolean>;
}

type Verb = 'read' | 'create' | 'patch' | 'replace' | 'delete' | 'list';

/** The methods of an API class that serve a namespaced kind. */
type Methods<K extends string> = {
  readonly [M in `${Verb}Namespaced${K}`]: (parameters: never, options?: ConfigurationOptions) => Promise<unknown>;
};
type Served<A extends Methods<K>, K extends string> = Json<Awaited<ReturnType<A[`readNamespaced${K}`]>>>;

type Method = (parameters: object, options?: ConfigurationOptions) => Promise<unknown>;

/** Calls a method of an API class by its name. */
type Invoke = (method: string, parameters: object, options?: CallOptions) => Promise<unknown>;

/** How a kind's methods are named, and what they take beside the key of an object. */
interface Naming {
  readonly apiVersion: string;
  readonly kind: string;
  readonly method: (verb: Verb, subresource?: 'status') => string;
  readonly listAll: { readonly method: string; readonly parameters: object };
  readonly parameters: object;
}

function namespaced<K extends string, A extends Methods<K>>(
  kube: Kube,
  Class: ApiClass<A>,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: K },
): Resource<Served<A, K>> {
  return makeResource(createInvoke(kube, Class), {
    apiVersion,
    kind,
    method: (verb, subresource) => `${verb}Namespaced${kind}${subresource === undefined ? '' : 'Status'}`,
    listAll: { method: `list${kind}ForAllNamespaces`, parameters: {} },
    parameters: {},
  });
}

export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}

/** Of a kind that a CRD defines. */
export function custom<T>(kube: Kube, { group, version, kind, plural }: CustomKind): Resource<T> {
  const parameters = { group, version, plural };
  return makeResource(createInvoke(kube, CustomObjectsApi), {
    apiVersion: `${group}/${version}`,
    kind,
    method: (verb, subresource) =>
      `${verb === 'read' ? 'get' : verb}NamespacedCustomObject${subresource === undefined ? '' : 'Status'}`,
    listAll: { method: 'listCustomObjectForAllNamespaces', parameters: { ...parameters, resourcePlural: plural } },
    parameters,
  });
}

function createInvoke(kube: Kube, Class: ApiClass): Invoke {
  const api = new Class(configure(kube));
  return async (method, parameters, options) => {
    const { [method]: run } = api as unknown as Readonly<Record<string, Method | undefined>>;
    if (run === undefined) throw new TypeError(`${Class.name} has no method ${method}`);
    return await run.call(api, parameters, options === undefined ? undefined : configure(kube, options));
  };
}

function makeResource<T>(invoke: Invoke, naming: Naming): Resource<T> {
  const { apiVersion, kind, method, listAll, parameters: common } = naming;
  const complete = (object: Writable<T>): object => ({ apiVersion, kind, ...object });
  const readPageOf =
    (namespace: string | undefined): ReadPage<T> =>
    (page, options) =>
      (namespace === undefined
        ? invoke(listAll.method, { ...listAll.parameters, ...page }, options)
        : invoke(method('list'), { ...common, namespace, ...page }, options)) as Promise<Page<T>>;
  const keyOf = ({ metadata }: Writable<T>): Key => {
    const { namespace = '', name = '' } = metadata as Partial<Key>;
    return { namespace, name };
  };

  const write = (verb: Verb, parameters: object, options: WriteOptions & CallOptions): Promise<unknown> => {
    const { subresource, dryRun, ...callOptions } = options;
    return invoke(
      method(verb, subresource),
      { ...common, ...parameters, ...(dryRun === undefined ? {} : { dryRun }) },
      callOptions,
    );
  };

  return {
    get: ({ namespace, name }) => orUndefined(invoke(method('read'), { ...common, namespace, name })) as Promise<T>,
    list: ({ namespace, ...selection }, keep) => listPages(readPageOf(namespace), selection, keep),
    listFirstPage: ({ namespace, ...selection }) => readFirstPage(readPageOf(namespace), selection),
    create: (object, options = {}) =>
      write('create', { namespace: keyOf(object).namespace, body: complete(object) }, options) as Promise<T>,
    apply: (object, { force = true, ...options } = {}) =>
      write(
        'patch',
        { ...keyOf(object), body: complete(object), force },
        { ...options, contentType: 'application/apply-patch+yaml' },
      ) as Promise<T>,
    patch: ({ namespace, name }, body, { type, ...options } = {}) =>
      write('patch', { namespace, name, body }, { ...options, contentType: mediaType(body, type) }) as Promise<T>,
    replace: (object, options = {}) =>
      write('replace', { ...keyOf(object), body: complete(object) }, options) as Promise<T>,
    delete: async ({ namespace, name }, body = {}) =>
      (await orUndefined(invoke(method('delete'), { ...common, namespace, name, body }))) !== undefined,
  };
}

function mediaType(patch: object, type: 'strategic' | undefined): string {
  if (type === 'strategic') return 'application/strategic-merge-patch+json';
  return Array.isArray(patch) ? 'application/json-patch+json' : 'application/merge-patch+json';
}

const ours = { group: GROUP, version: STORAGE_VERSION };

/** Pools are read as what they mean: whoever reads one by another way must call `readPool` as well. */
export const pools = (kube: Kube): Resource<Pool> => {
  const stored = custom<Pool>(kube, { ...ours, ...KINDS.pool });
  return {
    ...stored,
    get: async (key) => {
      const pool = await stored.get(key);
      return pool === undefined ? undefined : readPool(pool);
    },
    list: (query, keep) => stored.list(query, (pool) => keep(readPool(pool))),
    listFirstPage: async (query) => {
      const page = await stored.listFirstPage(query);
      return { ...page, items: page.items.map(readPool) };
    },
  };
};

export const workers = (kube: Kube) => custom<Worker>(kube, { ...ours, ...KINDS.worker });
export const oidcConfigs = (kube: Kube) => custom<OidcConfig>(kube, { ...ours, ...KINDS.oidcConfig });

export const configMaps = (kube: Kube) => namespaced(kube, CoreV1Api, { apiVersion: 'v1', kind: 'ConfigMap' });
export const pods = (kube: Kube) => namespaced(kube, CoreV1Api, { apiVersion: 'v1', kind: 'Pod' });
export const secrets = (kube: Kube) => namespaced(kube, CoreV1Api, { apiVersion: 'v1', kind: 'Secret' });
export const services = (kube: Kube) => namespaced(kube, CoreV1Api, { apiVersion: 'v1', kind: 'Service' });
export const serviceAccounts = (kube: Kube) =>
  namespaced(kube, CoreV1Api, { apiVersion: 'v1', kind: 'ServiceAccount' });
export const deployments = (kube: Kube) => namespaced(kube, AppsV1Api, { apiVersion: 'apps/v1', kind: 'Deployment' });
export const jobs = (kube: Kube) => namespaced(kube, BatchV1Api, { apiVersion: 'batch/v1', kind: 'Job' });
export const cronJobs = (kube: Kube) => namespaced(kube, BatchV1Api, { apiVersion: 'batch/v1', kind: 'CronJob' });
export const events = (kube: Kube) => namespaced(kube, EventsV1Api, { apiVersion: 'events.k8s.io/v1', kind: 'Event' });
export const leases = (kube: Kube) =>
  namespaced(kube, CoordinationV1Api, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' });
export const endpointSlices = (kube: Kube) =>
  namespaced(kube, DiscoveryV1Api, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' });
export const networkPolicies = (kube: Kube) =>
  namespaced(kube, NetworkingV1Api, { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' });
export const podDisruptionBudgets = (kube: Kube) =>
  namespaced(kube, PolicyV1Api, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' });
