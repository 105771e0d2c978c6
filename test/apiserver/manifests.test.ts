import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PROBE_PATHS } from '../../api/names.ts';
import { manifests, overlay, render, templateOf, type Container, type Manifest } from '../dev/installation.ts';
import { kubectl, run } from './cluster.ts';

describe('the roles for people', () => {
  const canI = async (verb: string, namespace: string, user: string) =>
    (
      await kubectl([
        'auth',
        'can-i',
        verb,
        'buildkitpools.buildkit.smrt-devops.net/pool',
        '-n',
        namespace,
        `--as=${user}`,
      ])
    ).stdout.trim();

  it.each([
    ['buildkit-worker-attacher', 'attach', ['use', 'get', 'update']],
    ['buildkit-pool-user', 'use', ['attach', 'get', 'update']],
  ])('%s gives %s in the namespace of its binding, and nothing else', async (role, verb, others) => {
    const user = `${role}@tenant`;
    await run(['create', 'rolebinding', role, '-n', 'buildkit-system', `--clusterrole=${role}`, `--user=${user}`]);
    expect(await canI(verb, 'buildkit-system', user)).toBe('yes');
    expect(await canI(verb, 'default', user)).toBe('no');
    for (const other of others) expect(await canI(other, 'buildkit-system', user)).toBe('no');
  });

  it('none is aggregated into admin, edit or view', async () => {
    for (const role of ['admin', 'edit', 'view']) {
      expect(await run(['get', 'clusterrole', role, '-o', 'json'])).not.toContain('buildkit.smrt-devops.net');
    }
  });
});

/** The most that any row of the part has: MiB, and thousandths of a core. */
function readSizes(part: string): number[] {
  const page = readFileSync(join(manifests, '../docs/sizes.md'), 'utf8');
  const rows = page.matchAll(/^\| `([a-z]+)(?:-\d)?`[^|]*((?:\| *[-\d.]+ *)+)\|$/gm);
  const measured = [...rows]
    .filter(([, name]) => name === part)
    .map(([, , columns = '']) => columns.split('|').slice(1).map(Number));
  const most = (...columns: readonly number[]) =>
    Math.max(...measured.flatMap((row) => columns.map((column) => row[column] || 0)));
  return [most(0, 2), most(1, 3)];
}

function expectNear(asked: number, taken: number, mostAdded: number): void {
  expect(asked).toBeGreaterThanOrEqual(taken);
  expect(asked).toBeLessThanOrEqual(taken + mostAdded);
}

describe('every part of overlay', () => {
  let rendered: Record<string, Manifest[]>;
  beforeAll(async () => {
    const names = ['plain', 'knative', 'kind'];
    rendered = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await render(kubectl, overlay(name))] as const)),
    );
  });

  const workloads = (name: string) =>
    (rendered[name] ?? []).flatMap((manifest) => {
      const template = templateOf(manifest);
      return template === undefined
        ? []
        : [{ manifest, template, container: template.spec.containers[0] as Container }];
    });
  const find = (name: string, kind: string) => (rendered[name] ?? []).filter((manifest) => manifest.kind === kind);
  const selects = (policy: Manifest, labels: Readonly<Record<string, string>>): boolean => {
    const { podSelector: selector } = policy['spec'] as { podSelector: Selector };
    return (
      Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
      (selector.matchExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? ''))
    );
  };

  it.each(['plain', 'knative'])('%s is one image, by digest', (name) => {
    const images = new Set(workloads(name).map(({ container }) => container.image));
    expect([...images]).toEqual([expect.stringMatching(/^buildkit-controller@sha256:[0-9a-f]{64}$/)]);
  });

  it('kind is one image, by the tag that is loaded into the nodes', () => {
    const images = new Set(workloads('kind').map(({ container }) => container.image));
    expect([...images]).toEqual(['buildkit-controller:kind']);
  });

  it.each(['plain', 'knative', 'kind'])(
    '%s asks for what docs/sizes.md says that it takes, and has a limit of memory and none of time',
    (name) => {
      for (const { container } of workloads(name)) {
        expect(container['resources']).toEqual({
          requests: {
            cpu: expect.stringMatching(/^\d+m$/) as string,
            memory: expect.stringMatching(/^\d+Mi$/) as string,
          },
          limits: { memory: expect.stringMatching(/[MG]i$/) as string },
        });
        const { cpu, memory } = (container['resources'] as { requests: { cpu: string; memory: string } }).requests;
        const [mebibytes = NaN, millicores = NaN] = readSizes(container.name);
        expectNear(Number.parseInt(memory), mebibytes, 32);
        // What runs for seconds takes all it gets.
        if (container.name !== 'authority') expectNear(Number.parseInt(cpu), millicores, 16);
        expect(container['terminationMessagePolicy']).toBe('FallbackToLogsOnError');
      }
    },
  );

  it.each(['plain', 'kind'])('%s that serves says whether it lives and whether it is ready', (name) => {
    for (const { container } of workloads(name).filter((each) => each.manifest.kind === 'Deployment')) {
      // Where no client keeps them out.
      expect(container['readinessProbe']).toMatchObject({ httpGet: { path: PROBE_PATHS.ready, port: 'metrics' } });
      expect(container['livenessProbe']).toMatchObject({ httpGet: { path: PROBE_PATHS.alive, port: 'metrics' } });
    }
  });

  it.each(['plain', 'knative', 'kind'])('%s has a priority where Kubernetes itself makes its Pods', (name) => {
    const classes = find(name, 'PriorityClass').map(({ metadata }) => metadata.name);
    for (const { manifest, template } of workloads(name).filter((each) => each.manifest.apiVersion !== serving)) {
      expect(classes, manifest.metadata.name).toContain(template.spec['priorityClassName']);
    }
  });

  it.each(['plain', 'knative', 'kind'])('%s that has replicas keeps one through a drain, and spreads them', (name) => {
    const budgets = find(name, 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
    const several = workloads(name).filter(
      ({ manifest }) => Number((manifest['spec'] as { replicas?: number }).replicas) > 1,
    );
    expect(several.map(({ manifest }) => manifest.metadata.name).toSorted()).toEqual(budgets.toSorted());
    for (const { template } of several) {
      const keys = (template.spec['topologySpreadConstraints'] as { topologyKey: string }[]).map(
        (each) => each.topologyKey,
      );
      expect(keys).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
    }
  });

  it.each(['plain', 'knative', 'kind'])('%s takes connections only where a NetworkPolicy says so', (name) => {
    for (const { manifest, template } of workloads(name)) {
      // Knative puts its own label on the Pods it makes.
      const labels = { ...template.metadata?.labels, 'serving.knative.dev/service': manifest.metadata.name };
      const policies = find(name, 'NetworkPolicy').filter((policy) => selects(policy, labels));
      expect(policies.length, manifest.metadata.name).toBeGreaterThan(0);
      for (const policy of policies) expect(policy['spec']).toMatchObject({ policyTypes: ['Ingress'] });
    }
  });

  it.each(['plain', 'knative', 'kind'])('%s can be found by one label', (name) => {
    for (const { metadata } of rendered[name] ?? [])
      expect(metadata.labels?.['app.kubernetes.io/part-of'], metadata.name).toBe('buildkit-controller');
  });
});

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[];
}
const serving = 'serving.knative.dev/v1';

describe('what the specification prints', () => {
  const read = (file: string): Manifest => parse(readFileSync(join(manifests, file), 'utf8')) as Manifest;

  it('is installed as it is printed: the ClusterRole and its binding', async () => {
    const found = (await render(kubectl, overlay('plain'))).filter(({ metadata }) =>
      ['buildkit-pool-reader', 'buildkit-cross-namespace-access'].includes(metadata.name),
    );
    expect(
      found.map(({ apiVersion, kind, rules, subjects, roleRef }) => ({ apiVersion, kind, rules, subjects, roleRef })),
    ).toEqual([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        rules: [{ apiGroups: ['buildkit.smrt-devops.net'], resources: ['buildkitpools'], verbs: ['get', 'list'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        subjects: [{ kind: 'ServiceAccount', name: 'buildkit-controller', namespace: 'buildkit-system' }],
        roleRef: { kind: 'ClusterRole', name: 'buildkit-pool-reader', apiGroup: 'rbac.authorization.k8s.io' },
      },
    ]);
  });

  it('is taken as it is printed: the NetworkPolicy, which opens gateways and nothing of ours', async () => {
    const file = join(manifests, 'examples/network-policy.yaml');
    expect(await kubectl(['apply', '--validate=strict', '--dry-run=server', '-f', file])).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(read('examples/network-policy.yaml')['spec']).toMatchObject({
      podSelector: { matchLabels: { 'buildkit.smrt-devops.net/pool': 'shared-pool' } },
    });
    for (const manifest of await render(kubectl, overlay('plain')))
      expect(templateOf(manifest)?.metadata?.labels ?? {}).not.toHaveProperty(['buildkit.smrt-devops.net/pool']);
  });
});
