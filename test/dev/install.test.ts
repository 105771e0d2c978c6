/** Every overlay on a real apiserver, with the definitions of Knative and cert-manager from their own modules. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyForeignDefinitions,
  overlay,
  manifests,
  render,
  startBareCluster,
  templateOf,
  type BareCluster,
  type Manifest,
} from './installation.ts';

const execute = promisify(execFile);
const overlays = readdirSync(`${manifests}/overlays`);

let cluster: BareCluster;
beforeAll(async () => {
  cluster = await startBareCluster();
  await applyForeignDefinitions(cluster);
});
afterAll(async () => {
  await cluster.end();
});

/** The authority's Job ends and goes within minutes; nothing runs it here. */
const forgetJobs = () => cluster.run(['delete', 'jobs', '-n', 'buildkit-system', '--all']);

describe.each(overlays)('overlay %s', (name) => {
  it('is taken by a real apiserver, strictly, without a warning', async () => {
    const args = ['apply', '--validate=strict', '-k', overlay(name)];
    expect(await cluster.kubectl(args)).toMatchObject({ status: 0, stderr: '' });
  });

  it('changes nothing when it is applied again', async () => {
    expect(await cluster.kubectl(['diff', '-k', overlay(name)])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('makes Pods that its namespace admits under PodSecurity restricted', async () => {
    const items = (await render(cluster.kubectl, overlay(name))).flatMap(makePod);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    if (items.length > 0) {
      const { status, stderr } = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], list);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    await forgetJobs();
  });
});

describe('the next image', () => {
  /** The manifests as a release has them. */
  async function pin(image: string): Promise<string> {
    const copy = await mkdtemp(join(cluster.folder, 'release-'));
    await cp(manifests, copy, { recursive: true });
    await execute('sh', [join(copy, 'pin-image.sh'), image]);
    return join(copy, 'overlays/plain');
  }
  const imageOf = (digit: string): string =>
    `registry.example:5000/team/buildkit-controller@sha256:${digit.repeat(64)}`;

  it('is the one of every Pod, and its Job is another than that of the image before, which may still run', async () => {
    for (const digit of ['a', 'b']) {
      const rendered = await render(cluster.kubectl, await pin(imageOf(digit)));
      const templates = rendered.map(templateOf).filter((template) => template !== undefined);
      const images = templates.flatMap(({ spec }) => spec.containers.map(({ image }) => image));
      expect(new Set(images)).toEqual(new Set([imageOf(digit)]));
      const jobs = rendered.filter(({ kind }) => kind === 'Job');
      expect(jobs.map(({ metadata }) => metadata.name)).toEqual([`buildkit-authority-${digit.repeat(12)}`]);
      expect(await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(jobs[0]))).toMatchObject({
        status: 0,
        stderr: '',
      });
    }
    await forgetJobs();
  });

  it.each([
    '',
    'name',
    'name:tag',
    `name@sha256:${'a'.repeat(63)}`,
    `na|me@sha256:${'a'.repeat(64)}`,
    `name@sha256:${'A'.repeat(64)}`,
  ])('is refused where it is no name with a digest: "%s"', async (image) => {
    await expect(pin(image)).rejects.toThrow('pin-image.sh: expected');
  });
});

describe('the name of the cluster', () => {
  const writeOwn = async (setting: string): Promise<string> => {
    const own = await mkdtemp(join(cluster.folder, 'own-'));
    const resource = relative(await realpath(own), overlay('plain'));
    await writeFile(join(own, 'kustomization.yaml'), `resources: [${resource}]\n${setting}`);
    return own;
  };

  it('is set by a kustomization of the cluster, or waited for by whoever needs it', async () => {
    const setting = `configMapGenerator:
  - name: buildkit-install
    namespace: buildkit-system
    behavior: merge
    literals: [cluster-fqdn=production.example.com]
    options: { disableNameSuffixHash: true }
`;
    const settingOf = async (folder: string) =>
      (await render(cluster.kubectl, folder)).find(({ metadata }) => metadata.name === 'buildkit-install')?.['data'];
    expect(await settingOf(await writeOwn(setting))).toEqual({ 'cluster-fqdn': 'production.example.com' });
    expect(await settingOf(await writeOwn(''))).toBeUndefined();
  });

  it('keeps a container from starting while it is not there, and the kubelet says so', async () => {
    const needing = (await render(cluster.kubectl, overlay('plain'))).filter((manifest) =>
      templateOf(manifest)?.spec.containers.some(({ env = [] }) => env.some(({ name }) => name === 'CLUSTER_FQDN')),
    );
    expect(needing.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'CronJob buildkit-authority',
      'Deployment buildkit-api',
      'Job buildkit-authority-000000000000',
    ]);
    for (const manifest of needing) {
      const variable = templateOf(manifest)?.spec.containers[0]?.env?.find(({ name }) => name === 'CLUSTER_FQDN');
      // Not optional: `couldn't find key cluster-fqdn in ConfigMap buildkit-system/buildkit-install`.
      expect(variable).toEqual({
        name: 'CLUSTER_FQDN',
        valueFrom: { configMapKeyRef: { name: 'buildkit-install', key: 'cluster-fqdn' } },
      });
    }
  });
});

describe('PodSecurity', () => {
  it('refuses a Pod that keeps its privileges', async () => {
    const [pod] = (await render(cluster.kubectl, overlay('plain'))).flatMap(makePod);
    const spec = { ...pod?.spec, hostNetwork: true };
    const { status, stderr } = await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ ...pod, spec }));
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('restricted:latest') as string });
  });

  it('admits the Pods that the controllers make of the Deployments', async () => {
    const names = await cluster.run([
      'get',
      'deployments',
      '-n',
      'buildkit-system',
      '-o=jsonpath={.items[*].metadata.name}',
    ]);
    expect(names).toBe('buildkit-api buildkit-bridge buildkit-lifecycle buildkit-status buildkit-webhooks');
    // A Pod that is refused is a condition of its ReplicaSet, and no Pod.
    const unmade = async (): Promise<string[]> => {
      const sets = await cluster.run(['get', 'replicasets', '-n', 'buildkit-system', '-o', 'json']);
      return (JSON.parse(sets) as { items: ReplicaSet[] }).items
        .filter(({ spec, status }) => spec.replicas !== status.replicas)
        .map(({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status)}`);
    };
    await expect.poll(unmade, { timeout: 30_000 }).toEqual([]);
  });
});

interface ReplicaSet {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly replicas: number };
}

/** What Knative's own fields say of an instance, and no Pod knows. */
const knativeFields = new Set(['containerConcurrency', 'timeoutSeconds']);

interface Pod extends Manifest {
  readonly spec: object;
}

function makePod(manifest: Manifest): Pod[] {
  const template = templateOf(manifest);
  if (template === undefined) return [];
  const { namespace = 'default', name } = manifest.metadata;
  const fields = Object.entries(template.spec).filter(([field]) => !knativeFields.has(field));
  const metadata = { name: `${name}-${manifest.kind.toLowerCase()}`, namespace, ...template.metadata };
  return [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: Object.fromEntries(fields) }];
}
