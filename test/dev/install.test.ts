/** Every overlay on a real apiserver, with the definitions of Knative and cert-manager from their own modules. */
import { readdirSync } from 'node:fs';
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
