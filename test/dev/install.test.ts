/** Every overlay on a real apiserver, with the definitions of Knative and cert-manager from their own modules. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  applyForeignDefinitions,
  overlay,
  manifests,
  playCommands,
  readCommands,
  readOwnKustomization,
  render,
  startBareCluster,
  templateOf,
  type BareCluster,
  type Manifest,
} from './installation.ts';

const execute = promisify(execFile);
const overlays = readdirSync(`${manifests}/overlays`);

// Everything is applied many times here, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 300_000 });

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

/** A kustomization as docs/install.md has a cluster's owner write it. */
async function writeOwn(base: string, ...parts: readonly string[]): Promise<string> {
  const own = await mkdtemp(join(cluster.folder, 'own-'));
  const relativePath = (folder: string): string => relative(own, folder);
  await writeFile(
    join(own, 'kustomization.yaml'),
    [`resources: [${relativePath(overlay(base))}]`, ...parts].join('\n'),
  );
  return own;
}

const setting = `configMapGenerator:
  - name: buildkit-install
    namespace: buildkit-system
    behavior: merge
    literals: [cluster-fqdn=production.example.com]
    options: { disableNameSuffixHash: true }
`;

describe('with cert-manager', () => {
  const component = (): string =>
    `components: [${relative(join(cluster.folder, 'own'), join(manifests, 'components/cert-manager'))}]`;
  const write = (base: string): Promise<string> => writeOwn(base, component(), setting);

  it.each(['plain', 'knative'])('overlay %s is taken strictly, and has one maker of keys', async (base) => {
    const own = await write(base);
    expect(await cluster.kubectl(['apply', '--validate=strict', '-k', own])).toMatchObject({ status: 0, stderr: '' });
    const rendered = await render(cluster.kubectl, own);
    expect(rendered.filter(({ metadata }) => metadata.name.startsWith('buildkit-authority'))).toEqual([]);
    const ca = rendered.find(({ kind, metadata }) => kind === 'Certificate' && metadata.name === 'buildkit-client-ca');
    expect(ca?.['spec']).toMatchObject({ nameConstraints: { permitted: { uriDomains: ['production.example.com'] } } });
    const api = rendered.find((each) => each.metadata.name === 'buildkit-api' && templateOf(each) !== undefined);
    expect(JSON.stringify(api && templateOf(api)?.spec['volumes'])).toContain(
      '"sources":[{"secret":{"name":"buildkit-client-ca"}}]',
    );
  });

  it('trusts the webhooks by what its injector writes, in every place that the authority writes', async () => {
    const injected = (await render(cluster.kubectl, await write('plain')))
      .filter(({ metadata }) => metadata.annotations?.['cert-manager.io/inject-ca-from'] !== undefined)
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(injected).toEqual([
      ...['oidcconfigs', 'pools', 'workers'].map(
        (each) => `CustomResourceDefinition buildkit${each}.buildkit.smrt-devops.net`,
      ),
      'MutatingWebhookConfiguration buildkit-controller',
      'ValidatingWebhookConfiguration buildkit-controller',
    ]);
  });

  it('is refused as it is built while the cluster has no name', async () => {
    const { status, stderr } = await cluster.kubectl(['kustomize', await writeOwn('plain', component())]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('data.cluster-fqdn') as string });
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

  it('is written by nothing where one of the two images is refused', async () => {
    const copy = await mkdtemp(join(cluster.folder, 'refused-'));
    await cp(manifests, copy, { recursive: true });
    const file = join(copy, 'install/kustomization.yaml');
    const before = await readFile(file, 'utf8');
    const args = [join(copy, 'pin-image.sh'), 'name:tag', imageOf('a')];
    await expect(execute('sh', args)).rejects.toThrow('pin-image.sh: expected');
    expect(await readFile(file, 'utf8')).toBe(before);
  });
});

describe('the page', () => {
  const makeRelease = async (): Promise<string> => {
    const release = await mkdtemp(join(cluster.folder, 'page-'));
    await cp(manifests, join(release, 'buildkit-controller/manifests'), { recursive: true });
    return release;
  };
  const digest = 'sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b';
  const image = `registry.example.com/buildkit-controller@${digest}`;
  const installed = {
    'cluster-fqdn': 'production.example.com',
    image,
    'buildkit-image': expect.stringContaining('moby/buildkit@sha256:') as string,
  };
  const expectInstalled = (rendered: readonly Manifest[]): void => {
    const images = rendered.flatMap(
      (each) => templateOf(each)?.spec.containers.map((container) => container.image) ?? [],
    );
    expect(new Set(images)).toEqual(new Set([image]));
    const found = rendered.find(({ metadata }) => metadata.name === 'buildkit-install');
    expect(found?.['data']).toEqual(installed);
  };

  it('installs by three commands', async () => {
    const cwd = join(await makeRelease(), 'buildkit-controller');
    const commands = await readCommands('Install');
    expect(commands).toHaveLength(3);
    await playCommands(commands, { kubeconfig: cluster.controlPlane.adminKubeconfig, file: cluster.file, cwd });
    expectInstalled(await render(cluster.kubectl, join(cwd, 'manifests/overlays/plain')));
    const setting = await cluster.run(['get', 'cm/buildkit-install', '-n', 'buildkit-system', '-o=jsonpath={.data}']);
    expect(JSON.parse(setting)).toEqual(installed);
    await forgetJobs();
  });

  it("shows a kustomization of one's own that says the same", async () => {
    const release = await makeRelease();
    await writeFile(join(release, 'kustomization.yaml'), await readOwnKustomization());
    expectInstalled(await render(cluster.kubectl, release));
  });
});

describe('the name of the cluster', () => {
  it('is waited for where nobody has set it', async () => {
    const rendered = await render(cluster.kubectl, overlay('plain'));
    const install = rendered.find(({ metadata }) => metadata.name === 'buildkit-install');
    expect(Object.keys(install?.['data'] as object)).toEqual(['buildkit-image', 'image']);
  });

  it('keeps a container from starting while it is not there, and the kubelet says so', async () => {
    const needing = (await render(cluster.kubectl, overlay('plain'))).filter((manifest) =>
      templateOf(manifest)?.spec.containers.some(({ env = [] }) => env.some(({ name }) => name === 'CLUSTER_FQDN')),
    );
    expect(needing.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'CronJob buildkit-authority',
      'Deployment buildkit-api',
      'Deployment buildkit-lifecycle',
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
    await expect.poll(unmade, { timeout: 120_000 }).toEqual([]);
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
