/** Knative Serving and the sources of Knative Eventing on a node of this machine, with their real programs in Pods. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectKube } from '../../adapters/kube/client.ts';
import { createLog } from '../../adapters/log.ts';
import { find } from '../control-plane/find.ts';
import { eventing, eventingControl, serving, servingControl, type Tool } from '../control-plane/table.ts';
import { expectSuccess, type Kubectl } from '../kubectl.ts';
import { makeImage } from '../node/oci-image.ts';
import { startIngress, type RunningIngress } from './ingress.ts';
import { readManifests, type Manifest } from './manifests.ts';
import { adapt, imageOf, ingressAccount, ingressClass, ingressManifests, sources } from './settings.ts';

/** The cluster that Knative is brought to. */
export interface KnativeHost {
  readonly kubectl: Kubectl;
  readonly kubeUrl: string;
  /** What the apiserver's certificate is verified with. */
  readonly caFile: string;
  /** Of this machine, reachable from Pods; port 80 of it must be free. */
  readonly address: string;
  readonly importImage: (tar: string) => Promise<void>;
  /** Takes an image, for a while. */
  readonly folder: string;
  readonly report?: (line: string) => unknown;
}

export interface Knative {
  readonly ingress: RunningIngress;
  /** Ends what runs on this machine; what runs in Pods ends with the node. */
  readonly stop: () => Promise<void>;
}

/** Resolves when functions can be applied. */
export async function startKnative(host: KnativeHost): Promise<Knative> {
  const { kubectl, report = () => undefined } = host;
  const programs = await findPrograms(report);
  const manifests = (await Promise.all(sources.map(readManifests))).flat();
  report('installing Knative');
  for (const program of programs) await bringImage(host, program);
  await apply(kubectl, [...manifests.map(adapt), ...ingressManifests].toSorted(byKind));
  const ingress = await openIngress(host);
  try {
    for (const namespace of ['knative-serving', 'knative-eventing']) await waitUntilAvailable(kubectl, namespace);
  } catch (error) {
    await ingress.close();
    throw error;
  }
  return { ingress, stop: ingress.close };
}

interface Program {
  readonly goPackage: string;
  readonly file: string;
}

async function findPrograms(report: (line: string) => unknown): Promise<Program[]> {
  const programs: Program[] = [];
  for (const release of [serving, servingControl, eventing, eventingControl]) {
    const binaries: Readonly<Record<string, string>> = await find<string>(release, { report });
    programs.push(...release.tools.map(({ name, goPackage }: Tool) => ({ goPackage, file: binaries[name] ?? '' })));
  }
  return programs;
}

/** Knative's Pods must not run as root, and say no other user: the image does. */
async function bringImage({ folder, importImage }: KnativeHost, { goPackage, file }: Program): Promise<void> {
  const image = { name: imageOf(goPackage), files: { program: file }, entrypoint: ['/program'], user: '65532' };
  const tar = join(folder, 'knative-image.tar');
  await writeFile(tar, (await makeImage(image)).archive);
  await importImage(tar);
  await rm(tar);
}

/** What a program reads as it starts is there before it: one that ended for want of it is tried again after 10 s. */
const byKind = (one: Manifest, other: Manifest): number => rankOf(one) - rankOf(other);
const kinds = ['Namespace', 'CustomResourceDefinition', 'anything else', 'Deployment'];
const rankOf = ({ kind }: Manifest): number => (kinds.includes(kind) ? kinds.indexOf(kind) : 2);

async function apply(kubectl: Kubectl, items: readonly Manifest[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  await expectSuccess(kubectl, ['apply', '--server-side', '-f', '-'], JSON.stringify(list));
}

async function openIngress({ kubectl, kubeUrl, caFile, address }: KnativeHost): Promise<RunningIngress> {
  const { name, namespace } = ingressAccount;
  const token = await expectSuccess(kubectl, ['create', 'token', name, '-n', namespace, '--duration=720h']);
  const kube = connectKube({
    url: kubeUrl,
    ca: await readFile(caFile),
    readToken: () => Promise.resolve(token.trim()),
  });
  const ingress = await startIngress({ kube, ingressClass, address, log: createLog('ingress', 'warn') });
  const close = async (): Promise<void> => {
    await ingress.close();
    kube.close();
  };
  return { ...ingress, close };
}

async function waitUntilAvailable(kubectl: Kubectl, namespace: string): Promise<void> {
  const args = ['wait', 'deployment', '--all', '-n', namespace, '--for=condition=Available', '--timeout=300s'];
  await expectSuccess(kubectl, args);
}
