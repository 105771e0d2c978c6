/** Overlay knative, line by line: what lets functions sleep, wakes them in time, and loses no change for good. */
import { beforeAll, describe, expect, it } from 'vitest';
import { CA_SECRETS, GROUP, LABELS, LIFECYCLE_EVENTS_PATH, MANAGED_BY, POOL_CA_NAMESPACE } from '../../api/names.ts';
import { STATUS_EVENTS_PATH, STORAGE_API_VERSION, SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../../api/names.ts';
import { TRUST_BUNDLE } from '../../api/names.ts';
import { overlay, render, templateOf, type Container, type Manifest, type PodTemplate } from '../dev/installation.ts';
import { kubectl } from './cluster.ts';

let rendered: Manifest[];
beforeAll(async () => {
  rendered = await render(kubectl, overlay('knative'));
});

function find(apiVersion: string, kind: string, name: string): Manifest {
  const found = rendered.find(
    (each) => each.apiVersion === apiVersion && each.kind === kind && each.metadata.name === name,
  );
  if (found === undefined) throw new Error(`${kind} ${name}: expected in overlay knative, got none`);
  return found;
}

const service = (name: string): Manifest => find('serving.knative.dev/v1', 'Service', name);

function revision(name: string): { template: PodTemplate; container: Container } {
  const template = templateOf(service(name));
  const container = template?.spec.containers[0];
  if (template === undefined || container === undefined) throw new Error(`${name}: expected a container, got none`);
  return { template, container };
}

const autoscaling = (name: string) => ({
  min: revision(name).template.metadata?.annotations?.['autoscaling.knative.dev/min-scale'],
  max: revision(name).template.metadata?.annotations?.['autoscaling.knative.dev/max-scale'],
  retention:
    revision(name).template.metadata?.annotations?.['autoscaling.knative.dev/scale-to-zero-pod-retention-period'],
});

const functions = [
  { name: 'buildkit-api', account: 'buildkit-controller', timeoutSeconds: 330 },
  { name: 'buildkit-status', account: 'buildkit-status', timeoutSeconds: 30 },
  { name: 'buildkit-lifecycle', account: 'buildkit-lifecycle', timeoutSeconds: 30 },
];

describe.each(functions)('$name', ({ name, account, timeoutSeconds }) => {
  it('has an account of its own, a time limit, no concurrency limit and no variables of other Services', () => {
    expect(revision(name).template.spec).toMatchObject({
      serviceAccountName: account,
      timeoutSeconds,
      containerConcurrency: 0,
      enableServiceLinks: false,
    });
  });

  it('is reached from inside of the cluster alone', () => {
    expect(service(name).metadata.labels).toMatchObject({ 'networking.knative.dev/visibility': 'cluster-local' });
  });

  it('listens on 8080, and leaves PORT to Knative, which refuses to be told', () => {
    const { container } = revision(name);
    expect(container['ports']).toEqual([{ containerPort: 8080 }]);
    expect(container.env?.map((variable) => variable.name)).not.toContain('PORT');
  });

  it('is probed every second from the first, by nothing but its readiness', () => {
    const { container } = revision(name);
    expect(container['readinessProbe']).toEqual({ httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 });
    expect(container).not.toHaveProperty('startupProbe');
  });

  it('has the restrictions of its Pod on its container, where Knative lets them stand', () => {
    const { template, container } = revision(name);
    expect(template.spec).not.toHaveProperty('securityContext');
    expect(container['securityContext']).toEqual({
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
  });

  it('is an image by digest', () => {
    expect(revision(name).container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
  });
});

describe('scaling', () => {
  it('api goes to nothing five minutes after the last request, and to ten instances at most', () => {
    expect(autoscaling('buildkit-api')).toEqual({ min: '0', max: '10', retention: '5m' });
  });

  it.each(['buildkit-status', 'buildkit-lifecycle'])(
    '%s is one instance or none, and none right after a ping',
    (name) => {
      expect(autoscaling(name)).toEqual({ min: '0', max: '1', retention: undefined });
    },
  );
});

describe('keys', () => {
  it('api mounts the CA for clients, to be read and no more', () => {
    const { template, container } = revision('buildkit-api');
    expect(container['volumeMounts']).toEqual([{ name: 'ca', mountPath: '/etc/buildkit-api/ca', readOnly: true }]);
    expect(JSON.stringify(template.spec['volumes'])).toContain(`"name":"${CA_SECRETS.clients}"`);
  });

  it('lifecycle mounts the CA for servers and the trust bundle, to be read and no more', () => {
    const { template, container } = revision('buildkit-lifecycle');
    expect(container['volumeMounts']).toEqual([
      { name: 'ca', mountPath: '/etc/buildkit-lifecycle/ca', readOnly: true },
    ]);
    const items = (...keys: readonly string[]) => keys.map((key) => ({ key, path: key }));
    const sources = [
      { secret: { name: CA_SECRETS.servers, optional: true, items: items('tls.crt', 'tls.key') } },
      { configMap: { name: TRUST_BUNDLE.configMap, optional: true, items: items(TRUST_BUNDLE.roots) } },
    ];
    expect(template.spec['volumes']).toEqual([{ name: 'ca', projected: { defaultMode: 0o444, sources } }]);
  });

  it('status mounts none', () => {
    expect(revision('buildkit-status').template.spec).not.toHaveProperty('volumes');
  });

  it('the authority runs at installation and every day, and listens nowhere', () => {
    const [job] = rendered.filter(({ kind }) => kind === 'Job');
    expect(job?.metadata.name).toMatch(/^buildkit-authority-[0-9a-f]{12}$/);
    expect(find('batch/v1', 'CronJob', 'buildkit-authority')['spec']).toMatchObject({ schedule: '17 3 * * *' });
    for (const manifest of rendered.filter(({ kind }) => kind === 'Job' || kind === 'CronJob')) {
      expect(templateOf(manifest)?.spec.containers[0]).not.toHaveProperty('ports');
    }
  });
});

const ours = (kind: string) => ({ apiVersion: STORAGE_API_VERSION, kind });
const byLabel = (apiVersion: string, kind: string) => ({
  apiVersion,
  kind,
  selector: { matchLabels: { [LABELS.managedBy]: MANAGED_BY } },
});

const sources = [
  {
    name: 'buildkit-status',
    path: STATUS_EVENTS_PATH,
    resources: [
      ours('BuildKitPool'),
      ours('BuildKitWorker'),
      ours('BuildKitOIDCConfig'),
      byLabel('apps/v1', 'Deployment'),
      byLabel('v1', 'Service'),
    ],
    rights: [
      'apps/deployments',
      '/services',
      ...['pools', 'workers', 'oidcconfigs'].map((each) => `${GROUP}/buildkit${each}`),
    ],
  },
  {
    name: 'buildkit-lifecycle',
    path: LIFECYCLE_EVENTS_PATH,
    resources: [
      ours('BuildKitPool'),
      ours('BuildKitWorker'),
      { apiVersion: 'v1', kind: 'Namespace' },
      byLabel('coordination.k8s.io/v1', 'Lease'),
      byLabel('v1', 'Pod'),
      byLabel('apps/v1', 'Deployment'),
    ],
    rights: [
      'apps/deployments',
      'coordination.k8s.io/leases',
      '/namespaces',
      '/pods',
      ...['pools', 'workers'].map((each) => `${GROUP}/buildkit${each}`),
    ],
  },
];

describe.each(sources)('the sources of $name', ({ name, path, resources, rights }) => {
  const sink = {
    ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
    uri: path,
    audience: TOKEN_AUDIENCE,
  };

  it('watches whole objects of all namespaces, once for each kind, and has no dead letters', () => {
    expect(find('sources.knative.dev/v1', 'ApiServerSource', name)['spec']).toEqual({
      serviceAccountName: `${name}-source`,
      mode: 'Resource',
      namespaceSelector: {},
      resources,
      sink,
    });
  });

  it('asks for a round every five minutes, because events are lost', () => {
    expect(find('sources.knative.dev/v1', 'PingSource', name)['spec']).toEqual({
      schedule: '*/5 * * * *',
      contentType: 'application/json',
      data: '{"resync":"all"}',
      sink,
    });
  });

  it('may get, list and watch what it watches, and nothing else', () => {
    const { rules } = find('rbac.authorization.k8s.io/v1', 'ClusterRole', `${name}-source`) as unknown as Role;
    for (const { verbs } of rules) expect(verbs).toEqual(['get', 'list', 'watch']);
    const granted = rules.flatMap((rule) =>
      rule.apiGroups.flatMap((group) => rule.resources.map((each) => `${group}/${each}`)),
    );
    expect(granted.toSorted()).toEqual(rights.toSorted());
  });

  it('are the senders that the function believes, by the identities that Eventing gives them', () => {
    const senders = revision(name).container.env?.find((variable) => variable.name === 'EVENT_SENDERS')?.value;
    // Lower case of <source>-oidc-<group>-<kind>: knative.dev/eventing, pkg/auth/serviceaccount.go.
    const account = (kind: string) =>
      `system:serviceaccount:${SYSTEM_NAMESPACE}:${name}-oidc-sources.knative.dev-${kind}`;
    expect(senders?.split(',')).toEqual([account('apiserversource'), account('pingsource')]);
    // Longer names would be hashed.
    for (const sender of senders?.split(',') ?? []) expect(sender.split(':').at(-1)?.length).toBeLessThanOrEqual(63);
  });
});

interface Role {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
}

describe('rights', () => {
  const roles = () => rendered.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');
  const aboutSecrets = (role: Manifest) =>
    (role as unknown as Role).rules.filter(({ resources }) => resources.includes('secrets') || resources.includes('*'));
  const isOfPoolCas = ({ metadata }: Manifest): boolean => metadata.namespace === POOL_CA_NAMESPACE;

  it('nobody lists Secrets, or reads one that is not named outside of the namespace of the CAs of pools', () => {
    for (const role of roles()) {
      for (const { verbs, resourceNames = [] } of aboutSecrets(role)) {
        for (const verb of ['list', 'watch', 'deletecollection', '*']) expect(verbs).not.toContain(verb);
        if (!isOfPoolCas(role) && verbs.join() !== 'create') expect(resourceNames).not.toEqual([]);
      }
    }
  });

  it('lifecycle alone gets, creates and deletes Secrets in the namespace of the CAs of pools', () => {
    const found = rendered.filter(isOfPoolCas);
    expect(found.map(({ kind, rules, subjects, roleRef }) => ({ kind, rules, subjects, roleRef }))).toEqual([
      { kind: 'Role', rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'delete'] }] },
      {
        kind: 'RoleBinding',
        subjects: [{ kind: 'ServiceAccount', name: 'buildkit-lifecycle', namespace: SYSTEM_NAMESPACE }],
        roleRef: { kind: 'Role', name: 'buildkit-lifecycle', apiGroup: 'rbac.authorization.k8s.io' },
      },
    ]);
  });

  it('the bridge is not installed, nor an account for it', () => {
    expect(rendered.filter(({ metadata }) => metadata.name === 'buildkit-bridge')).toEqual([]);
  });
});
