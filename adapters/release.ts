/** What the manifests of this checkout install, as far as the doctor compares it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { SYSTEM_NAMESPACE } from '../api/names.ts';
import type { Release, Right, WebhookEntry } from '../core/doctor/observed.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Of a kustomization. */
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly webhooks?: readonly WebhookEntry[];
  readonly rules?: readonly Rule[];
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * `folder` holds `base`, `components` and `overlays`; what more than one of them installs is listed once. A component that
 * no overlay has is for whoever adds it.
 */
export async function readRelease(folder: string): Promise<Release> {
  const [base = [], overlays = []] = await Promise.all(
    ['base', 'overlays'].map((name) => readManifests(join(folder, name))),
  );
  const components = await Promise.all(
    listComponents(overlays).map((name) => readManifests(join(folder, 'components', name))),
  );
  const manifests = [...base, ...components.flat(), ...overlays];
  const ofKind = (kind: string) => manifests.filter((one) => one.kind === kind);
  const webhooksOf = (kind: string) => ofKind(kind).flatMap(({ webhooks = [] }) => webhooks);
  return {
    mutating: webhooksOf('MutatingWebhookConfiguration'),
    validating: webhooksOf('ValidatingWebhookConfiguration'),
    workloads: ofKind('Deployment').map(({ metadata }) => metadata.name),
    accounts: base.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name),
    rights: manifests
      .filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
      .flatMap((binding) => listRights(binding, manifests)),
  };
}

/** Those of `components` that the kustomizations name. */
const listComponents = (kustomizations: readonly Manifest[]): readonly string[] => [
  ...new Set(
    kustomizations
      .flatMap(({ resources = [], components = [] }) => [...resources, ...components])
      .flatMap((path) => /^\.\.\/\.\.\/components\/([^/]+)/.exec(path)?.[1] ?? []),
  ),
];

async function readManifests(folder: string): Promise<Manifest[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yaml')).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text)).map((document) => document.toJS() as Manifest);
}

/** What a binding gives to accounts of ours. */
function listRights({ metadata, subjects = [], roleRef }: Manifest, manifests: readonly Manifest[]): Right[] {
  const { namespace } = metadata;
  const role = manifests.find(
    (one) => one.kind === roleRef?.kind && one.metadata.name === roleRef.name && isReachable(one, namespace),
  );
  const accounts = subjects.filter((one) => one.kind === 'ServiceAccount' && one.namespace === SYSTEM_NAMESPACE);
  return accounts.flatMap(({ name: account }) =>
    (role?.rules ?? [])
      .flatMap(expandRule)
      .map((right) => ({ account, ...right, ...(namespace === undefined ? {} : { namespace }) })),
  );
}

const isReachable = ({ kind, metadata }: Manifest, namespace: string | undefined): boolean =>
  kind === 'ClusterRole' || metadata.namespace === namespace;

const expandRule = ({ apiGroups, resources, resourceNames, verbs }: Rule): Omit<Right, 'account' | 'namespace'>[] =>
  apiGroups.flatMap((group) =>
    resources.flatMap((path) =>
      verbs.flatMap((verb) =>
        (resourceNames ?? [undefined]).map((name) => {
          const [resource = '', subresource] = path.split('/');
          return {
            group,
            resource,
            ...(subresource === undefined ? {} : { subresource }),
            verb,
            ...(name === undefined ? {} : { name }),
          };
        }),
      ),
    ),
  );
