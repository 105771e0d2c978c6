/** Knative Serving and the sources of Knative Eventing on a node of this machine, with their real programs in Pods. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createKubeClient } from '../../adapters/kube/client.ts';
import { createLog } from '../../adapters/log.ts';
import { find } from '../control-plane/find.ts';
import { eventing, eventingControl, serving, servingControl, type Tool } from '../control-plane/table.ts';
import { expectSuccess, type Kubectl } from '../kubectl.ts';
import { mountAccount } from '../mounts.ts';
import { startIngress, type RunningIngress } from './ingress.ts';
import { readManifests, type Manifest } from './manifests.ts';
import { writeImages, type ProgramImage } from './oci.ts';
import { adapt, imageOf, ingressAccount, ingressClass, sources } from './settings.ts';

/** The cluster that Knative is brought to. */
export interface Place {
  readonly kubectl: Kubectl;
  readonly kubeUrl: string;
  /** What the apiserver's certificate is verified with. */
  readonly caFile: string;
  /** Of the node, reachable from its Pods; port 80 of it must be free. */
  readonly address: string;
  /** Brings the images of a tar to the node. */
  readonly importImages: (file: string) => Promise<void>;
  /** Takes keys and, for a while, images. */
  readonly folder: string;
  readonly report: (line: string) => unknown;
}

export interface Knative {
  readonly ingress: RunningIngress;
  /** Ends what runs on this machine; what runs in Pods ends with the node. */
  readonly stop: () => Promise<void>;
}

/** Resolves when services can be applied. */
export async function startKnative(place: Place): Promise<Knative> {
  const { kubectl, report } = place;
  const [images, manifests] = await Promise.all([findImages(place), readAllManifests()]);
  report('bringing the images of Knative to the node');
  await bringImages(place, images);
  report('installing Knative');
  await apply(kubectl, [...manifests.map(adapt), ...ingressAccount]);
  const ingress = await startIngressAt(place);
  try {
    for (const namespace of ['knative-serving', 'knative-eventing']) await waitUntilAvailable(kubectl, namespace);
  } catch (error) {
    await ingress.close();
    throw error;
  }
  return { ingress, stop: ingress.close };
}

async function findImages({ report }: Place): Promise<ProgramImage[]> {
  const images: ProgramImage[] = [];
  for (const release of [serving, servingControl, eventing, eventingControl]) {
    const binaries: Readonly<Record<string, string>> = await find<string>(release, { report });
    images.push(...release.tools.map((tool) => toImage(tool, binaries)));
  }
  return images;
}

const toImage = ({ name, goPackage }: Tool, binaries: Readonly<Record<string, string>>): ProgramImage => ({
  name: imageOf(goPackage),
  program: binaries[name] ?? '',
});

const readAllManifests = async (): Promise<Manifest[]> => (await Promise.all(sources.map(readManifests))).flat();

async function bringImages({ folder, importImages }: Place, images: readonly ProgramImage[]): Promise<void> {
  const file = join(folder, 'knative-images.tar');
  await writeImages(file, images);
  await importImages(file);
  await rm(file);
}

async function apply(kubectl: Kubectl, items: readonly Manifest[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  await expectSuccess(kubectl, ['apply', '--server-side', '-f', '-'], JSON.stringify(list));
}

async function startIngressAt({ kubectl, kubeUrl, caFile, address, folder }: Place): Promise<RunningIngress> {
  const mounts = { folder: join(folder, 'mounts'), kubectl };
  const { name, namespace } = ingressAccount[0].metadata;
  await mountAccount(mounts, { name, namespace }, caFile);
  const kube = await createKubeClient({ url: kubeUrl, accountFolder: join(mounts.folder, name) });
  return await startIngress({ kube, ingressClass, address, log: createLog('ingress', 'warn') });
}

async function waitUntilAvailable(kubectl: Kubectl, namespace: string): Promise<void> {
  const args = ['wait', 'deployment', '--all', '-n', namespace, '--for=condition=Available', '--timeout=180s'];
  await expectSuccess(kubectl, args);
}
