/** What goes wrong with an installation: how it comes about, what the doctor says then, and how it is mended. */
import { join } from 'node:path';
import { repairedWithinSeconds } from '../../api/limits/doctor.ts';
import { sayReady, type Patient } from './doctor-system.ts';
import { createWorker } from './webhooks.ts';

export interface Breakage {
  readonly name: string;
  readonly break: (patient: Patient) => Promise<unknown>;
  /** How much later the doctor comes. */
  readonly laterMs?: number;
  /** `<code> <where>: <what>` of every finding, in order. */
  readonly found: readonly (string | RegExp)[];
  readonly mend: (patient: Patient) => Promise<unknown>;
}

const rbac = join(import.meta.dirname, '../../manifests/base/rbac');
const ours = ['-n', 'buildkit-system'];
const oidcConfigs = 'buildkitoidcconfigs';
const afterRepairMs = (repairedWithinSeconds + 60) * 1000;
const dayMs = 24 * 60 * 60_000;
const validating = ['validatingwebhookconfiguration', 'buildkit-controller'];
const mutating = ['mutatingwebhookconfiguration', 'buildkit-controller'];
const crd = (plural: string): string[] => ['crd', `${plural}.buildkit.smrt-devops.net`];

export const patch =
  (object: readonly string[], change: object, ...more: readonly string[]) =>
  ({ run }: Patient) =>
    run(
      'patch',
      ...object,
      `--type=${Array.isArray(change) ? 'json' : 'merge'}`,
      `--patch=${JSON.stringify(change)}`,
      ...more,
    );
export const drop =
  (...object: readonly string[]) =>
  ({ run }: Patient) =>
    run('delete', ...object);
export const run =
  (...args: readonly string[]) =>
  (patient: Patient) =>
    patient.run(...args);

/** Breaks objects in some way; `mend` makes them as they were. */
function keeping(object: readonly string[], harm: Breakage['break']): Pick<Breakage, 'break' | 'mend'> {
  let kept = '';
  return {
    break: async (patient) => {
      kept = (await patient.run('get', ...object, '-o', 'json')).replaceAll(/"resourceVersion": "\d*",?/g, '');
      await harm(patient);
    },
    mend: async ({ apply, administrator }) => {
      await apply(kept);
      await sayReady(administrator);
    },
  };
}

export const losing = (...object: readonly string[]): Pick<Breakage, 'break' | 'mend'> =>
  keeping(object, drop(...object));
const changing = (object: readonly string[], change: object): Pick<Breakage, 'break' | 'mend'> =>
  keeping(object, patch(object, change));

/** The manifests again, and a run of the authority. */
const reinstall = async ({ stack }: Patient): Promise<void> => {
  await stack.upgrade();
  await stack.renewKeys();
};
const runAuthority = ({ stack }: Patient): Promise<void> => stack.renewKeys();

/** A CA that is one, and not ours. */
const trustAnother = (object: readonly string[], path: string) => async (patient: Patient) => {
  const value = await patient.run(
    'config',
    'view',
    '--raw',
    '-o=jsonpath={.clusters[0].cluster.certificate-authority-data}',
  );
  await patch(object, [{ op: 'replace', path, value }])(patient);
};

const workersCrd = 'CustomResourceDefinition/buildkitworkers.buildkit.smrt-devops.net';
const validate = 'ValidatingWebhookConfiguration/buildkit-controller: validate.buildkit.smrt-devops.net';
const bundle = 'ConfigMap/buildkit-system/buildkit-trust-bundle';
const calledUntrusted = (webhook: string) =>
  new RegExp(
    `^admission_fails a dry run in v1beta1: .*failed calling webhook "${webhook}.*certificate signed by unknown authority`,
  );

/** Where the parts run beside the cluster, as under `npm start`. */
export const beside: readonly Breakage[] = [
  {
    name: 'a namespace without Pod security',
    break: run('label', 'namespace', 'buildkit-system', 'pod-security.kubernetes.io/enforce-'),
    found: [
      'pod_security_missing Namespace/buildkit-system: pod-security.kubernetes.io/enforce: expected restricted, got nothing',
    ],
    mend: run('label', 'namespace', 'buildkit-system', '--overwrite', 'pod-security.kubernetes.io/enforce=restricted'),
  },
  {
    name: 'a kind of another release',
    ...changing(crd('buildkitworkers'), [{ op: 'remove', path: '/spec/versions/0/additionalPrinterColumns/4' }]),
    found: [`crd_differs ${workersCrd}: spec.versions.0.additionalPrinterColumns: expected 7 entries, got 6`],
  },
  {
    name: 'objects that may be stored in the older version',
    break: patch(
      crd('buildkitworkers'),
      { status: { storedVersions: ['v1alpha1', 'v1beta1'] } },
      '--subresource=status',
    ),
    found: [`storage_not_migrated ${workersCrd}: status.storedVersions: expected v1beta1 alone, got v1alpha1 too`],
    mend: patch(crd('buildkitworkers'), { status: { storedVersions: ['v1beta1'] } }, '--subresource=status'),
  },
  {
    name: 'a kind without conversion',
    ...changing(crd('buildkitworkers'), { spec: { conversion: { strategy: 'None', webhook: null } } }),
    found: [`conversion_not_registered ${workersCrd}: spec.conversion.strategy: expected Webhook, got None`],
  },
  {
    name: 'webhooks that nobody is told of',
    break: drop(...validating),
    found: ['webhook_registration_absent ValidatingWebhookConfiguration/buildkit-controller: is not there'],
    mend: reinstall,
  },
  {
    name: 'a webhook that may be passed by',
    ...changing(validating, [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }]),
    found: [`webhook_registration_differs ${validate}: failurePolicy: expected "Fail", got "Ignore"`],
  },
  {
    name: 'a webhook that is asked about less',
    ...changing(validating, [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }]),
    found: [`webhook_registration_differs ${validate}: rules.0.operations: expected 2 entries, got 1`],
  },
  {
    name: 'a webhook that is not registered',
    ...changing(validating, [{ op: 'remove', path: '/webhooks/1' }]),
    found: [
      'webhook_registration_differs ValidatingWebhookConfiguration/buildkit-controller: warn-of-deletion.buildkit.smrt-devops.net: is not registered',
    ],
  },
  {
    name: 'a registration without a CA',
    break: patch(validating, [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]),
    found: [
      `webhook_ca_absent ${validate}: caBundle: expected the CA of the webhooks, got nothing`,
      calledUntrusted('validate'),
    ],
    mend: runAuthority,
  },
  {
    name: 'a registration with another CA',
    break: trustAnother(mutating, '/webhooks/0/clientConfig/caBundle'),
    found: [
      /^webhook_ca_mismatch MutatingWebhookConfiguration\/buildkit-controller: mutate.buildkit.smrt-devops.net: caBundle: expected the CA that has signed/,
      calledUntrusted('mutate'),
    ],
    mend: runAuthority,
  },
  {
    name: 'a conversion with another CA',
    break: trustAnother(crd('buildkitworkers'), '/spec/conversion/webhook/clientConfig/caBundle'),
    found: [
      new RegExp(`^webhook_ca_mismatch ${workersCrd}: `),
      /^conversion_fails a dry run in v1alpha1: .*conversion webhook for .*certificate signed by unknown authority/,
    ],
    mend: runAuthority,
  },
  {
    name: 'webhooks that are out of reach',
    ...changing(validating, [
      { op: 'replace', path: '/webhooks/0/clientConfig/url', value: 'https://127.0.0.1:9/validate' },
    ]),
    found: [/^admission_fails a dry run in v1beta1: .*connection refused/],
  },
  {
    name: 'an authority that did not run for a month',
    break: () => Promise.resolve(),
    laterMs: 31 * dayMs,
    found: [
      `ca_unsound ${bundle}: clients: has ended`,
      /^ca_unsound .*: clients: overdue since/,
      `ca_unsound ${bundle}: servers: has ended`,
      /^ca_unsound .*: servers: overdue since/,
      `ca_unsound ${bundle}: api-tls: has ended`,
      /^ca_unsound .*: api-tls: overdue since/,
    ],
    mend: () => Promise.resolve(),
  },
  {
    name: 'a CA that is lost',
    break: drop('secret', 'buildkit-server-ca', ...ours),
    found: ['ca_secret_absent Secret/buildkit-system/buildkit-server-ca: is not there'],
    mend: runAuthority,
  },
  {
    name: 'a CA of before there was a root',
    break: run('create', 'secret', 'generic', 'buildkit-ca', ...ours),
    found: ['former_ca_left Secret/buildkit-system/buildkit-ca: is left over'],
    mend: drop('secret', 'buildkit-ca', ...ours),
  },
  {
    name: 'no trust bundle',
    break: drop('configmap', 'buildkit-trust-bundle', ...ours),
    found: [`authority_never_ran ${bundle}: is not there`],
    mend: runAuthority,
  },
  {
    name: 'an account without its rights, so that the status of a pool stands still',
    break: async (patient) => {
      await patient.run('delete', 'clusterrolebinding', 'buildkit-status');
      await patient.apply(pool('tenant', 'still'));
    },
    laterMs: afterRepairMs,
    found: [
      /^right_missing ServiceAccount\/buildkit-system\/buildkit-status: may not get buildkitpools.buildkit.smrt-devops.net, .*patch buildkitpools.buildkit.smrt-devops.net\/status/,
      'status_stale BuildKitPool/tenant/still: status.observedGeneration: expected 1, got none',
    ],
    mend: async (patient) => {
      await patient.run('apply', '-f', join(rbac, 'status.yaml'));
      await patient.run('delete', 'buildkitpool', 'still', '-n', 'tenant');
    },
  },
  {
    name: 'a worker whose reference is not permitted any more, and a pool that waits for it to go',
    break: async (patient) => {
      await patient.apply(pool('buildkit-system', 'shared', { access: { workers: { namespaces: { from: 'All' } } } }));
      // By somebody whose own right does not permit it.
      await createWorker(patient.tenant, 'guest', { name: 'shared', namespace: 'buildkit-system' });
      await waitForReference(patient, 'True');
      await patient.apply(pool('buildkit-system', 'shared', { access: { workers: { namespaces: { from: 'Same' } } } }));
      await waitForReference(patient, 'False');
    },
    found: ['worker_revoked BuildKitPool/buildkit-system/shared: 1 RefNotPermitted: tenant/guest'],
    mend: () => Promise.resolve(),
  },
  {
    name: 'a pool that is deleted while lifecycle may not do its work',
    break: async ({ run }) => {
      await run('delete', 'clusterrolebinding', 'buildkit-lifecycle');
      await run('delete', 'buildkitpool', 'shared', ...ours, '--wait=false');
    },
    laterMs: afterRepairMs,
    found: [
      /^right_missing ServiceAccount\/buildkit-system\/buildkit-lifecycle: may not get buildkitpools.buildkit.smrt-devops.net/,
      /^deletion_stuck BuildKitPool\/buildkit-system\/shared: deleted at \S+Z, allocated workers: 0$/,
      /^worker_revoked /,
    ],
    mend: async ({ run }) => {
      await run('apply', '-f', join(rbac, 'lifecycle.yaml'));
      await run('wait', '--for=delete', 'buildkitpool/shared', ...ours, '--timeout=120s');
      await run('delete', 'buildkitworker', 'guest', '-n', 'tenant');
    },
  },
  {
    name: 'an issuer that is not there',
    break: async ({ run, apply }) => {
      await apply(oidcConfig);
      await run('wait', 'buildkitoidcconfig/gone', '-n', 'tenant', '--for=condition=Ready=False', '--timeout=120s');
    },
    found: [/^oidc_config_not_ready BuildKitOIDCConfig\/tenant\/gone: DiscoveryFailed: /],
    mend: drop('buildkitoidcconfig', 'gone', '-n', 'tenant'),
  },
  {
    name: 'a kind that has lost its name to another',
    break: async ({ run, apply }) => {
      const { metadata, spec } = JSON.parse(await run('get', ...crd(oidcConfigs), '-o', 'json')) as Named;
      await run('delete', ...crd(oidcConfigs));
      await apply(impostor);
      await run('wait', ...crd('impostors'), '--for=condition=Established', '--timeout=120s');
      const { name, labels } = metadata;
      await apply({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name, labels },
        spec,
      });
      await run('wait', ...crd(oidcConfigs), '--for=condition=NamesAccepted=False', '--timeout=120s');
    },
    found: [
      `crd_not_established CustomResourceDefinition/${oidcConfigs}.buildkit.smrt-devops.net: NamesAccepted: KindConflict: "BuildKitOIDCConfig" is already in use`,
    ],
    mend: async ({ run }) => {
      await run('delete', ...crd('impostors'));
      await run('wait', ...crd(oidcConfigs), '--for=condition=Established', '--timeout=120s');
    },
  },
  {
    name: 'a kind that is not there',
    break: drop(...crd(oidcConfigs)),
    found: [`crd_absent CustomResourceDefinition/${oidcConfigs}.buildkit.smrt-devops.net: is not there`],
    mend: reinstall,
  },
];

interface Named {
  readonly metadata: { readonly name: string; readonly labels: object };
  readonly spec: object;
}

const impostor = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'impostors.buildkit.smrt-devops.net' },
  spec: {
    group: 'buildkit.smrt-devops.net',
    scope: 'Namespaced',
    names: { plural: 'impostors', kind: 'BuildKitOIDCConfig', listKind: 'ImpostorList', singular: 'impostor' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

const oidcConfig = {
  apiVersion: 'buildkit.smrt-devops.net/v1beta1',
  kind: 'BuildKitOIDCConfig',
  metadata: { name: 'gone', namespace: 'tenant' },
  spec: { issuer: 'https://issuer.invalid', audience: 'builds' },
};

const pool = (namespace: string, name: string, spec: object = {}): object => ({
  apiVersion: 'buildkit.smrt-devops.net/v1beta1',
  kind: 'BuildKitPool',
  metadata: { name, namespace },
  spec,
});

const waitForReference = ({ run }: Patient, status: string): Promise<string> =>
  run('wait', 'buildkitworker/guest', '-n', 'tenant', `--for=condition=ResolvedRefs=${status}`, '--timeout=120s');
