/** What is changed of Knative's manifests, to run on one small node without a registry, and to scale soon. */
import type { Manifest, ManifestSource } from './manifests.ts';

/** Of our own ingress, by which it knows its Ingresses. */
export const ingressClass = 'development.ingress.networking.knative.dev';
/** Of services that can be reached from outside the cluster. */
const domain = 'knative.buildkit.internal';

export const sources: readonly ManifestSource[] = [
  {
    goModule: 'serving',
    path: 'knative.dev/serving',
    // Without what needs cert-manager, an image cache, or an API of metrics.
    files: [
      ...['100-namespace.yaml', '200-roles', '200-serviceaccount.yaml', '300-resources', 'configmaps', 'webhooks'],
      ...['controller', 'activator', 'autoscaler', 'webhook'].map((name) => `deployments/${name}.yaml`),
    ].map((file) => `config/core/${file}`),
  },
  {
    goModule: 'serving',
    path: 'knative.dev/networking',
    files: ['certificate', 'config-network', 'domain-claim', 'ingress', 'serverlessservice'].map(
      (name) => `config/${name}.yaml`,
    ),
  },
  { goModule: 'serving', path: 'knative.dev/caching', files: ['config/image.yaml'] },
  {
    goModule: 'eventing',
    path: 'knative.dev/eventing',
    // Without the webhook, which fills in what our sources say anyway, and without sinks and brokers.
    files: [
      ...[
        'config/core/100-namespace.yaml',
        'config/core/200-eventing-serviceaccount.yaml',
        'config/core/200-pingsource-mt-adapter-serviceaccount.yaml',
      ],
      ...['config/core/roles', 'config/core/resources', 'config/core/configmaps'],
      ...['config/core/deployments/controller.yaml', 'config/core/deployments/pingsource-mt-adapter.yaml'],
      'third_party/eventing-integrations-latest',
    ],
  },
];

/** Names in `dev.local` are not looked up in a registry. With the tag "latest", a kubelet would pull them. */
export const imageOf = (goPackage: string): string => `dev.local/${goPackage}:built`;

const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'knative-serving/config-autoscaler': {
    // The least that is accepted: nothing is waited for longer than it must.
    'stable-window': '6s',
    'scale-to-zero-grace-period': '6s',
    // A function that nobody has called yet does not run.
    'allow-zero-initial-scale': 'true',
    'initial-scale': '0',
    // Always through the activator, which a NetworkPolicy can admit: our ingress is no Pod.
    'target-burst-capacity': '-1',
  },
  'knative-serving/config-deployment': {
    'queue-sidecar-image': imageOf('knative.dev/serving/cmd/queue'),
    // There is no registry: an image is what the node holds under that name.
    'registries-skipping-tag-resolving': 'dev.local,index.docker.io',
    // Ten Pods fit on a small node.
    'queue-sidecar-cpu-request': '10m',
    'queue-sidecar-memory-request': '32Mi',
  },
  'knative-serving/config-network': { 'ingress-class': ingressClass },
  'knative-serving/config-domain': { [domain]: '' },
  // The sources prove to our functions who they are.
  'knative-eventing/config-features': { 'authentication-oidc': 'enabled' },
};

/** The manifest as it is applied. */
export function adapt(manifest: Manifest): Manifest {
  const { kind, metadata } = manifest;
  if (kind === 'ConfigMap') return configure(manifest);
  if (kind === 'Deployment') return shrink(JSON.parse(withImages(JSON.stringify(manifest))) as Deployment);
  // Versions that nobody uses are not converted, and so the webhook of Eventing is not needed.
  if (metadata.name === 'pingsources.sources.knative.dev') return withoutConversion(manifest);
  return manifest;
}

function configure(manifest: Manifest): Manifest {
  const set = settings[`${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`];
  return set === undefined ? manifest : { ...manifest, data: { ...(manifest['data'] as object), ...set } };
}

/** `ko://<package>` stands in them for the image of that package. */
const withImages = (json: string): string =>
  json.replaceAll(/ko:\/\/([^"]+)/g, (_, goPackage: string) => imageOf(goPackage));

interface Probe {
  initialDelaySeconds?: number;
  periodSeconds?: number;
}

interface Deployment extends Manifest {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: { resources?: object; readinessProbe?: Probe }[] } };
  };
}

/** Scheduled however small the node is, and ready as soon as it is. */
function shrink(deployment: Deployment): Manifest {
  for (const container of deployment.spec.template.spec.containers) {
    container.resources = { requests: { cpu: '10m', memory: '32Mi' } };
    if (container.readinessProbe === undefined) continue;
    container.readinessProbe = { ...container.readinessProbe, initialDelaySeconds: 0, periodSeconds: 1 };
  }
  return deployment;
}

function withoutConversion(manifest: Manifest): Manifest {
  return { ...manifest, spec: { ...(manifest['spec'] as object), conversion: { strategy: 'None' } } };
}

/** The account of our own ingress, with the rights of what it does. */
export const ingressAccount = { namespace: 'knative-serving', name: 'development-ingress' } as const;

const rbac = 'rbac.authorization.k8s.io';
export const ingressManifests: readonly Manifest[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: ingressAccount },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: ingressAccount.name },
    rules: [
      { apiGroups: ['networking.internal.knative.dev'], resources: ['ingresses'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.internal.knative.dev'], resources: ['ingresses/status'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['services'], verbs: ['get'] },
    ],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: ingressAccount.name },
    subjects: [{ kind: 'ServiceAccount', ...ingressAccount }],
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: ingressAccount.name },
  },
];
