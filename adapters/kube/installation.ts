/** Everything the doctor looks at, with the caller's own rights. Writes nothing, and reads nothing secret. */
import { doctorCallTimeoutMs } from '../../api/limits/doctor.ts';
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
import type { Definition, Meta, Observed, Right, Seen, WithConditions, Worker } from '../../core/doctor/observed.ts';
import type { KubeClient } from './client.ts';
import { dryRunWorker } from './dry-run.ts';
import { listAll } from './list.ts';
import { ourCollectionPath } from './paths.ts';
import { findMissingRights } from './rights.ts';
import { see } from './see.ts';

/** @throws {KubeError} when the apiserver does not answer, or does not know the caller. */
export async function observeInstallation(client: KubeClient, rights: readonly Right[]): Promise<Observed> {
  const kube: KubeClient = { ...client, call: (call) => client.call({ timeoutMs: doctorCallTimeoutMs, ...call }) };
  const unseen = new Set<string>();
  const look = <T>(ask: Promise<T>): Promise<Seen<T>> => see(ask, (message) => unseen.add(message));
  const get = <K extends keyof Observed>(path: string) => look(kube.call({ path })) as Promise<Observed[K]>;
  const list = <K extends keyof Observed>(path: string, keep: (item: never) => unknown = whole) =>
    look(listAll(kube, { path }, keep as (item: unknown) => unknown).then(({ items }) => items)) as Promise<
      Observed[K]
    >;

  const seen = await all({
    kubernetes: get<'kubernetes'>('/version'),
    namespace: get<'namespace'>(`/api/v1/namespaces/${SYSTEM_NAMESPACE}`),
    settings: get<'settings'>(ours('/api/v1', 'configmaps', INSTALL_SETTINGS.configMap)),
    trust: get<'trust'>(ours('/api/v1', 'configmaps', TRUST_BUNDLE.configMap)),
    definitions: byName(plurals, (plural) => look(kube.call({ path: definitionPath(plural) }) as Promise<Definition>)),
    mutating: get<'mutating'>(registrationPath('mutating')),
    validating: get<'validating'>(registrationPath('validating')),
    admission: dryRunWorker(kube, STORAGE_VERSION),
    conversion: dryRunWorker(kube, OLD_VERSION),
    secrets: byName(LOOKED_AT_SECRETS, (name) => see(readSecretMetadata(kube, name), () => undefined)),
    accounts: list<'accounts'>(ours('/api/v1', 'serviceaccounts')),
    deployments: list<'deployments'>(ours('/apis/apps/v1', 'deployments')),
    pods: list<'pods'>(ours('/api/v1', 'pods')),
    endpointSlices: list<'endpointSlices'>(ours('/apis/discovery.k8s.io/v1', 'endpointslices')),
    jobs: list<'jobs'>(ours('/apis/batch/v1', 'jobs')),
    cronJobs: list<'cronJobs'>(ours('/apis/batch/v1', 'cronjobs')),
    certManagerCertificates: list<'certManagerCertificates'>(ours('/apis/cert-manager.io/v1', 'certificates')),
    knativeServices: list<'knativeServices'>(ours('/apis/serving.knative.dev/v1', 'services')),
    apiServerSources: list<'apiServerSources'>(ours('/apis/sources.knative.dev/v1', 'apiserversources')),
    pingSources: list<'pingSources'>(ours('/apis/sources.knative.dev/v1', 'pingsources')),
    missingRights: look(findMissingRights(kube, rights)),
    pools: list<'pools'>(ourCollectionPath(KINDS.pool.plural), outline),
    workers: list<'workers'>(ourCollectionPath(KINDS.worker.plural), outlineWorker),
    oidcConfigs: list<'oidcConfigs'>(ourCollectionPath(KINDS.oidcConfig.plural), outline),
  });
  return { ...seen, unseen: [...unseen].toSorted(), skipped: listSkipped(seen) };
}

const plurals = Object.values(KINDS).map(({ plural }) => plural);

const ours = (root: string, plural: string, name?: string): string =>
  `${root}/namespaces/${SYSTEM_NAMESPACE}/${plural}${name === undefined ? '' : `/${name}`}`;
const definitionPath = (plural: string): string =>
  `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${GROUP}`;
const registrationPath = (kind: string): string =>
  `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/${WEBHOOK_CONFIGURATION}`;

/** The apiserver leaves out the keys: who may read them shall not have them in this process for it. */
const readSecretMetadata = (kube: KubeClient, name: string): Promise<object> =>
  kube.call({
    path: ours('/api/v1', 'secrets', name),
    accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  }) as Promise<object>;

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
