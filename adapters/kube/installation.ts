/** Everything the doctor looks at, with the caller's own rights. Writes nothing, and reads nothing secret. */
import { AdmissionregistrationV1Api, ApiextensionsV1Api, CoreV1Api } from '#client-node';
import { doctorCallTimeoutMs, maxParallelRightReviews } from '../../api/limits/doctor.ts';
import {
  GROUP,
  INSTALL_SETTINGS,
  KINDS,
  OLD_VERSION,
  STORAGE_VERSION,
  SYSTEM_NAMESPACE,
  TRUST_BUNDLE,
  WEBHOOK_CONFIGURATION,
} from '../../api/names.ts';
import { LOOKED_AT_SECRETS } from '../../core/doctor/certificates.ts';
import type { Lookup, Meta, Observed, Right, WithConditions, Worker } from '../../core/doctor/observed.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { apiOf, type Kube } from './api.ts';
import { dryRunWorker } from './dry-run.ts';
import { KubeError } from './errors.ts';
import {
  configMaps,
  cronJobs,
  custom,
  deployments,
  endpointSlices,
  jobs,
  pods,
  serviceAccounts,
  type CustomKind,
  type Resource,
} from './resources.ts';
import { reviewAccess } from './review-access.ts';

/** @throws {KubeError} when the apiserver does not answer, or does not know the caller. */
export async function observeInstallation(client: Kube, rights: readonly Right[]): Promise<Observed> {
  const kube: Kube = { call: (call) => client.call({ timeoutMs: doctorCallTimeoutMs, ...call }) };
  const unseen = new Set<string>();
  // Of the library's types only what the checks compare is declared in `Observed`.
  const look = (ask: Promise<unknown>): Promise<never> =>
    lookUp(ask, (message) => unseen.add(message)) as Promise<never>;
  const list = <T>(resource: Resource<T>, namespace?: string, keep: (item: T) => unknown = whole) =>
    look(resource.list({ namespace }, keep).then(({ items }) => items));
  const ours = <T>(resource: Resource<T>) => list(resource, SYSTEM_NAMESPACE);
  const foreign = (kind: Omit<CustomKind, 'kind'>) => ours(custom<object>(kube, { ...kind, kind: '' }));
  const our = <T>(kind: (typeof KINDS)[keyof typeof KINDS]) =>
    custom<T>(kube, { group: GROUP, version: STORAGE_VERSION, ...kind });
  const core = apiOf(kube, CoreV1Api);
  const definitions = apiOf(kube, ApiextensionsV1Api);
  const registrations = apiOf(kube, AdmissionregistrationV1Api);
  const registration = { name: WEBHOOK_CONFIGURATION };

  const observed = await all({
    kubernetes: look(kube.call({ path: '/version' })),
    namespace: look(core.readNamespace({ name: SYSTEM_NAMESPACE })),
    settings: look(configMaps(kube).get(named(INSTALL_SETTINGS.configMap))),
    trust: look(configMaps(kube).get(named(TRUST_BUNDLE.configMap))),
    definitions: byName(plurals, (plural) =>
      look(definitions.readCustomResourceDefinition({ name: `${plural}.${GROUP}` })),
    ),
    mutating: look(registrations.readMutatingWebhookConfiguration(registration)),
    validating: look(registrations.readValidatingWebhookConfiguration(registration)),
    admission: dryRunWorker(kube, STORAGE_VERSION),
    conversion: dryRunWorker(kube, OLD_VERSION),
    secrets: byName(LOOKED_AT_SECRETS, (name) => lookUp(readSecretMetadata(kube, name), () => undefined)),
    accounts: ours(serviceAccounts(kube)),
    deployments: ours(deployments(kube)),
    pods: ours(pods(kube)),
    endpointSlices: ours(endpointSlices(kube)),
    jobs: ours(jobs(kube)),
    cronJobs: ours(cronJobs(kube)),
    certManagerCertificates: foreign({ group: 'cert-manager.io', version: 'v1', plural: 'certificates' }),
    knativeServices: foreign({ group: 'serving.knative.dev', version: 'v1', plural: 'services' }),
    apiServerSources: foreign({ group: 'sources.knative.dev', version: 'v1', plural: 'apiserversources' }),
    pingSources: foreign({ group: 'sources.knative.dev', version: 'v1', plural: 'pingsources' }),
    missingRights: look(findMissingRights(kube, rights)),
    pools: list(our<WithConditions>(KINDS.pool), undefined, outline),
    workers: list(our<Worker>(KINDS.worker), undefined, outlineWorker),
    oidcConfigs: list(our<WithConditions>(KINDS.oidcConfig), undefined, outline),
  });
  return { ...observed, unseen: [...unseen].toSorted(), skipped: listSkipped(observed) };
}

/**
 * Reads what may be absent, or hidden from the caller.
 * @throws {KubeError} for every other answer than the object itself, 403 and 404.
 */
async function lookUp<T>(ask: Promise<T | undefined>, reportHidden: (message: string) => void): Promise<Lookup<T>> {
  try {
    return (await ask) ?? 'absent';
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return 'absent';
    if (error.status !== 403) throw error;
    reportHidden(error.message);
    return 'hidden';
  }
}

const named = (name: string) => ({ namespace: SYSTEM_NAMESPACE, name });
const plurals = Object.values(KINDS).map(({ plural }) => plural);

/** The apiserver leaves out the keys: who may read them shall not have them in this process for it. */
const readSecretMetadata = (kube: Kube, name: string): Promise<object> =>
  apiOf(kube, CoreV1Api, { accept: metadataOnly }).readNamespacedSecret(named(name));
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** Those of the rights that their account does not have, in their order. @throws {KubeError} 403 for who may not ask. */
async function findMissingRights(kube: Kube, rights: readonly Right[]): Promise<readonly Right[]> {
  const missing = new Set<Right>();
  await forEachAtOnce(rights, maxParallelRightReviews, async (right) => {
    if (!(await hasRight(kube, right))) missing.add(right);
  });
  return rights.filter((right) => missing.has(right));
}

const hasRight = (kube: Kube, { account, ...resourceAttributes }: Right): Promise<boolean> =>
  reviewAccess(kube, {
    user: `system:serviceaccount:${SYSTEM_NAMESPACE}:${account}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${SYSTEM_NAMESPACE}`, 'system:authenticated'],
    resourceAttributes,
  });

function listSkipped({ secrets, admission }: Pick<Observed, 'secrets' | 'admission'>): string[] {
  return [
    ...(Object.values(secrets).includes('hidden') ? ['whether the Secrets of the CAs are there'] : []),
    ...(admission === 'hidden' ? [`a dry run of a worker in ${SYSTEM_NAMESPACE}`] : []),
  ];
}

const whole = (item: unknown): unknown => item;

/** Of objects there may be a hundred thousand: of each only what is judged is held. */
const outline = ({ metadata, status }: WithConditions): WithConditions => ({
  metadata: outlineMeta(metadata),
  ...(status === undefined ? {} : { status }),
});

const outlineWorker = ({ metadata, spec, status }: Worker): Worker => ({
  metadata: { name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) },
  spec: { poolRef: spec.poolRef },
  ...(status === undefined ? {} : { status: { phase: status.phase ?? '', conditions: status.conditions ?? [] } }),
});

const outlineMeta = ({ managedFields = [], ...metadata }: Meta): Meta => ({
  ...metadata,
  managedFields: managedFields.map(({ time = '', subresource = '' }) => ({ time, subresource })),
});

async function all<T extends object>(promises: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const entries = Object.entries<Promise<unknown>>(promises);
  const values: unknown[] = await Promise.all(entries.map(([, promise]) => promise));
  return Object.fromEntries(entries.map(([name], index) => [name, values[index]])) as T;
}

const byName = <T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<Record<string, T>> =>
  all<Record<string, T>>(Object.fromEntries(names.map((name) => [name, ask(name)])));
