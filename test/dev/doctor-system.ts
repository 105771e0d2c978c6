/** A system of its own for `bkctl doctor`, which is broken and mended again and again. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { observeInstallation } from '../../adapters/kube/installation.ts';
import { readRelease } from '../../adapters/release.ts';
import { isSignedBy } from '../../adapters/x509/authorities.ts';
import { describeCertificate } from '../../adapters/x509/describe.ts';
import type { KubeClient } from '../../adapters/kube/client.ts';
import { INSTALL_SETTINGS, SYSTEM_NAMESPACE as namespace, WEBHOOKS } from '../../api/names.ts';
import { diagnose, type Finding } from '../../core/doctor/diagnose.ts';
import type { Observed } from '../../core/doctor/observed.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { overlay, render, type Manifest } from './installation.ts';
import { bringUpSystem, type TestSystem } from './webhooks.ts';

const root = join(import.meta.dirname, '../..');
export const podsPath = `/api/v1/namespaces/${namespace}/pods`;
const deploymentsPath = `/apis/apps/v1/namespaces/${namespace}/deployments`;

export interface Patient extends TestSystem {
  /** All findings, as somebody with every right has them; `laterMs` from now, when that says how long ago things were. */
  readonly examine: (laterMs?: number) => Promise<readonly Finding[]>;
  readonly observe: () => Promise<Observed>;
  readonly judge: (observed: Observed, laterMs?: number) => readonly Finding[];
  readonly apply: (manifest: object | string) => Promise<string>;
}

export async function bringUpPatient(): Promise<Patient> {
  const system = await bringUpSystem();
  const release = await readRelease(join(root, 'manifests'));
  const observe = () => observeInstallation(system.administrator, release.rights);
  const judge = (observed: Observed, laterMs = 0) =>
    diagnose({
      ...observed,
      api: 'hidden',
      release,
      now: (Date.now() + laterMs) / 1000,
      describe: describeCertificate,
      isSignedBy,
    });
  const examine = async (laterMs?: number) => judge(await observe(), laterMs);
  const apply = (manifest: object | string) =>
    expectSuccess(
      system.stack.kubectl,
      ['apply', '-f', '-'],
      typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
    );
  return { ...system, observe, judge, examine, apply };
}

interface Installed extends Manifest {
  readonly webhooks?: readonly { readonly clientConfig: ClientConfig }[];
  readonly spec?: { readonly conversion?: { readonly webhook?: { readonly clientConfig: ClientConfig } } };
}
interface ClientConfig {
  readonly service: { port: number };
}

/**
 * Overlay `plain`, as it is applied to a cluster. There is no node here: the Service of the webhooks leads to those that
 * run on this machine, and of the Pods, which nobody runs, it is said that they are ready.
 */
export async function installPlain({ stack, run, apply, administrator }: Patient): Promise<void> {
  const query = '-o=jsonpath={.webhooks[0].clientConfig.url}';
  const { port } = new URL(await run('get', 'validatingwebhookconfiguration', 'buildkit-controller', query));
  const rendered = await render(stack.kubectl, overlay('plain'));
  const items = rendered.map((manifest) => complete(manifest as Installed, Number(port)));
  await apply({ apiVersion: 'v1', kind: 'List', items: [...items, readyEndpoint] });
  await sayReady(administrator);
}

/** With the name of the cluster, and where the webhooks are reached. */
function complete(manifest: Installed, port: number): object {
  const conversion = manifest.spec?.conversion?.webhook;
  for (const { clientConfig } of [...(manifest.webhooks ?? []), ...(conversion === undefined ? [] : [conversion])]) {
    clientConfig.service.port = port;
  }
  if (manifest.metadata.name === INSTALL_SETTINGS.configMap) return { ...manifest, data: { 'cluster-fqdn': 'a.test' } };
  if (manifest.kind !== 'Service' || manifest.metadata.name !== WEBHOOKS.service) return manifest;
  return { ...manifest, spec: { type: 'ExternalName', externalName: 'localhost' } };
}

const readyEndpoint = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'buildkit-webhooks-1',
    namespace,
    labels: { 'kubernetes.io/service-name': WEBHOOKS.service },
  },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
  ports: [{ name: 'https', port: 8443, protocol: 'TCP' }],
};

/** Waits until every Deployment has its Pods and they are Ready, which is said of each as it appears. */
export async function sayReady(kube: KubeClient): Promise<void> {
  await expect
    .poll(
      async () => {
        const { items: pods } = (await kube.call({ path: podsPath })) as { items: { metadata: { name: string } }[] };
        for (const { metadata } of pods) await patchStatus(kube, `${podsPath}/${metadata.name}`, readyPod);
        const { items } = (await kube.call({ path: deploymentsPath })) as { items: Deployment[] };
        return items.filter(({ spec, status }) => status.readyReplicas !== spec.replicas).length;
      },
      { timeout: 120_000 },
    )
    .toBe(0);
}

interface Deployment {
  readonly spec: { readonly replicas: number };
  readonly status: { readonly readyReplicas?: number };
}

const readyPod = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [] };

export const patchStatus = (kube: KubeClient, path: string, status: object): Promise<unknown> =>
  kube.call({
    method: 'PATCH',
    path: `${path}/status`,
    contentType: 'application/merge-patch+json',
    body: { status },
  });
