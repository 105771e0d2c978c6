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

const apply = (folder: string, ...flags: string[]) =>
  cluster.kubectl(['apply', '--validate=strict', '-k', folder, ...flags]);

/** Unknown to anybody, and so made by nobody: what an object is compared by. */
const words = (stdout: string): string[] => [...new Set(stdout.trim().split('\n').map((line) => line.split(' ').slice(1).join(' ')))];

describe.each(overlays)('overlay %s', (name) => {
  it('is taken by a real apiserver, strictly, without a warning', async () => {
    expect(await apply(overlay(name))).toMatchObject({ status: 0, stderr: '' });
  });

  it('applied again changes nothing', async () => {
    const { status, stdout, stderr } = await apply(overlay(name));
    expect({ status, stderr, said: words(stdout) }).toEqual({ status: 0, stderr: '', said: ['unchanged'] });
    expect(await apply(overlay(name), '--dry-run=server')).toMatchObject({ status: 0, stderr: '' });
  });

  it('makes Pods that its namespace admits under PodSecurity restricted', async () => {
    for (const pod of (await render(cluster.kubectl, overlay(name))).flatMap(makePod)) {
      const { status, stderr } = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
      expect({ name: pod.metadata.name, status, stderr }).toEqual({ name: pod.metadata.name, status: 0, stderr: '' });
    }
  });
});

function makePod(manifest: Manifest): Manifest[] {
  const template = templateOf(manifest);
  if (template === undefined) return [];
  const { namespace = 'default', name } = manifest.metadata;
  const spec = { restartPolicy: 'Always', ...template.spec };
  return [{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, ...template.metadata }, spec }];
}
