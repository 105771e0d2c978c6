/** Our overlay `knative`, told what an installation on a node of this machine is told. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { expectSuccess, type Kubectl } from '../kubectl.ts';

const overlay = join(import.meta.dirname, '../../manifests/overlays/knative');
export const clusterFqdn = 'knative.buildkit.internal';

export interface OverlayOptions {
  readonly kubectl: Kubectl;
  /** Takes the kustomization. */
  readonly folder: string;
  /** Name and tag of an image that the node holds. */
  readonly image: { readonly name: string; readonly tag: string };
  /** Of kustomize. */
  readonly patches?: readonly object[];
}

/** `kubectl apply -k`; resolves when every part can be asked. */
export async function installOverlay({ kubectl, folder, image, patches = [] }: OverlayOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  const kustomization = { ...makeKustomization(image), resources: [relative(folder, overlay)], patches };
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  await expectSuccess(kubectl, ['apply', '-k', folder]);
  for (const [kind, condition] of waits) {
    const args = ['wait', kind, '--all', '-n', SYSTEM_NAMESPACE, `--for=condition=${condition}`, '--timeout=300s'];
    await expectSuccess(kubectl, args);
  }
}

const waits = [
  ['jobs', 'Complete'],
  ['deployments', 'Available'],
  ['services.serving.knative.dev', 'Ready'],
  ['apiserversources', 'Ready'],
  ['pingsources', 'Ready'],
] as const;

const makeKustomization = ({ name, tag }: OverlayOptions['image']): object => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  configMapGenerator: [
    {
      name: 'buildkit-install',
      namespace: SYSTEM_NAMESPACE,
      behavior: 'merge',
      literals: [`cluster-fqdn=${clusterFqdn}`, `image=${name}:${tag}`],
      options: { disableNameSuffixHash: true },
    },
  ],
  images: [{ name: 'buildkit-controller', newName: name, newTag: tag }],
});

const replace = (path: string, value: string): string => JSON.stringify([{ op: 'replace', path, value }]);
const retention = '/spec/template/metadata/annotations/autoscaling.knative.dev~1scale-to-zero-pod-retention-period';

/** `api`, too, goes as soon as nobody asks it: somebody waits for that here. */
export const sleepSoon: object = {
  target: { group: 'serving.knative.dev', kind: 'Service', name: 'buildkit-api' },
  patch: replace(retention, '0s'),
};

/** As cron writes it. */
export const schedulePings = (schedule: string): object => ({
  target: { kind: 'PingSource' },
  patch: replace('/spec/schedule', schedule),
});
