/**
 * The whole system on this machine: a real control plane, our CRDs, accounts and webhooks, and the functions as
 * processes. Used alike by `npm start`, the tests and the benchmarks.
 */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CA_SECRETS, GROUP, KINDS, WEBHOOKS } from '../api/names.ts';
import { KubeError } from '../adapters/kube/client.ts';
import { createLog } from '../adapters/log.ts';
import { runAuthority } from '../functions/authority/main.ts';
import { bundleOf } from './build.ts';
import { findFreePort, waitUntilAnswering, type Child, type Exit } from './child.ts';
import { find, type Binaries } from './control-plane/find.ts';
import { start, type ControlPlane } from './control-plane/start.ts';
import { controlPlane as controlPlaneRelease } from './control-plane/table.ts';
import { createKubectl, expectSuccess, type Kubectl } from './kubectl.ts';
import {
  bridgePart,
  developmentFqdn,
  functionsPart,
  isSharingPort,
  launchPart,
  waitUntilListening,
  webhooksParts,
  type Part,
  type PartSettings,
} from './parts.ts';
import { mountAccount, mountAudienceToken, mountCa, mountSecret, type Mounts } from './mounts.ts';

const root = join(import.meta.dirname, '..');

export interface StackOptions {
  /** Takes all state: data, keys, mounts, logs. */
  readonly folder: string;
  /** Port of the functions on 127.0.0.1. */
  readonly port: number;
  readonly apiserverFlags?: readonly string[];
  readonly report?: (line: string) => void;
  /** What is installed; the manifests of this checkout when absent. */
  readonly manifests?: string;
  /** What an older release left behind, before anything of ours is installed. */
  readonly prepare?: (kubectl: Kubectl) => Promise<void>;
  /** What runs beside the webhooks, in this order; all functions in one process, and the bridge, when absent. */
  readonly parts?: (settings: PartSettings) => readonly Part[];
  /** Folder of bundles, which the parts then run from, as in production. */
  readonly bundles?: string;
  /** Told of each child as soon as it exists. */
  readonly watch?: (child: Child) => void;
}

export interface Stack {
  readonly apiUrl: string;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  readonly binaries: Binaries;
  readonly controlPlane: ControlPlane;
  /** `<mounts>/<account>/{token,ca.crt}` of each part. */
  readonly mounts: string;
  readonly children: readonly Child[];
  /** Names of the processes that serve the webhooks. */
  readonly webhooks: readonly string[];
  /** Applies the manifests of this checkout over what is there. */
  readonly upgrade: () => Promise<void>;
  /** Starts one more part; resolves when it is ready. */
  readonly launch: (part: Part) => Promise<Child>;
  /** Ends that part, which may have ended by itself, and starts it again; resolves when it is ready. */
  readonly restart: (name: string) => Promise<void>;
  /** Runs the authority, as a CronJob does in a cluster, and brings what it made to the parts. */
  readonly renewKeys: () => Promise<void>;
  /** Resolves at the first end of a process that `stop` did not ask for. */
  readonly exited: Promise<Exit>;
  /** Functions first, etcd last. */
  readonly stop: () => Promise<void>;
}

export async function bringUp(options: StackOptions): Promise<Stack> {
  const { folder, port, report = () => undefined, watch, bundles } = options;
  const { manifests = join(root, 'manifests'), prepare = () => Promise.resolve(), parts: chosen = allParts } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const binaries = await find(controlPlaneRelease, { report });
  report('starting etcd, kube-apiserver and kube-controller-manager');
  const controlPlane = await start({ ...options, folder: join(folder, 'control-plane'), binaries });
  const parts = new Map<string, { part: Part; child: Child }>();
  const restarting = new Set<string>();
  const exited = Promise.withResolvers<Exit>();
  let stopped: Promise<void> | undefined;
  const children = () => [...parts.values()].map(({ child }) => child);
  const stop = () => (stopped ??= endInReverse(children(), controlPlane));
  void controlPlane.exited.then((exit) => {
    exited.resolve(exit);
  });
  const launch = async (part: Part) => {
    const file = bundles === undefined ? part.file : bundleOf(part.file, bundles);
    const child = await launchPart({ ...part, file }, folder, watch);
    parts.set(part.name, { part, child });
    void child.ended.then((exit) => {
      if (stopped === undefined && !restarting.has(part.name)) exited.resolve(exit);
    });
    if (part.readyUrl !== undefined) await waitUntilAnswering(child, part.readyUrl, part.caFile ?? '');
    return child;
  };
  const restart = async (name: string) => {
    const running = parts.get(name);
    if (running === undefined) throw new Error(`${name}: expected one of ${[...parts.keys()].join(', ')}`);
    restarting.add(name);
    await running.child.end();
    restarting.delete(name);
    const { size } = await stat(running.child.log);
    const child = await launch(running.part);
    if (isSharingPort(running.part)) await waitUntilListening(child, size);
  };
  try {
    const kubectl = createKubectl(binaries.kubectl, controlPlane.adminKubeconfig);
    const mounts = { folder: join(folder, 'mounts'), kubectl };
    report('installing the kinds, accounts and webhooks');
    await prepare(kubectl);
    const [webhookPort, bridgePort] = [await findFreePort(), await findFreePort()];
    await install(kubectl, manifests, webhookPort);
    await makeMounts(mounts, controlPlane);
    report('starting the webhooks, the functions and the bridge');
    const kubeUrl = controlPlane.url;
    const webhooks = webhooksParts({ mounts: mounts.folder, kubeUrl, port: webhookPort });
    const launchInTurn = async (): Promise<void> => {
      for (const part of chosen({ mounts: mounts.folder, kubeUrl, port, bridgePort })) await launch(part);
    };
    await Promise.all([...webhooks.map(launch), launchInTurn()]);
    return {
      apiUrl: `http://127.0.0.1:${port}`,
      kubeconfig: controlPlane.adminKubeconfig,
      kubectl,
      binaries,
      controlPlane,
      mounts: mounts.folder,
      get children() {
        return [...controlPlane.children, ...children()];
      },
      webhooks: webhooks.map(({ name }) => name),
      upgrade: () => install(kubectl, join(root, 'manifests'), webhookPort),
      launch,
      restart,
      renewKeys: () => renewKeys(mounts, { kubeUrl, now: Date.now }),
      exited: exited.promise,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const allParts = (settings: PartSettings): readonly Part[] => [functionsPart(settings), bridgePart(settings)];

async function endInReverse(parts: readonly Child[], controlPlane: ControlPlane): Promise<void> {
  await Promise.all(parts.map((part) => part.end()));
  await controlPlane.stop();
}

/** Applies the development overlay and the registrations, which name the webhooks at a loopback port. */
async function install(kubectl: Kubectl, manifests: string, port: number): Promise<void> {
  const rendered = await expectSuccess(kubectl, ['kustomize', join(manifests, 'overlays/dev')]);
  const files = ['mutating', 'validating'].map((kind) => join(manifests, `base/webhooks/${kind}.yaml`));
  const registrations = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const items = [rendered, ...registrations]
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => atLoopback(document.toJS() as Registration, port));
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const crds = kinds.map((kind) => `crd/${kind}.${GROUP}`);
  await expectSuccess(kubectl, ['wait', '--for=condition=Established', '--timeout=30s', ...crds]);
}

const kinds = Object.values(KINDS).map(({ plural }) => plural);

interface ClientConfig {
  service?: { readonly path: string };
  url?: string;
}
interface Registration {
  readonly webhooks?: readonly { readonly clientConfig: ClientConfig }[];
  readonly spec?: { readonly conversion?: { readonly webhook?: { readonly clientConfig: ClientConfig } } };
}

/** A registration of webhooks whose Service is replaced by the same path at a port of this machine. */
function atLoopback(manifest: Registration, port: number): Registration {
  const conversion = manifest.spec?.conversion?.webhook;
  for (const { clientConfig } of [...(manifest.webhooks ?? []), ...(conversion === undefined ? [] : [conversion])]) {
    clientConfig.url = `https://127.0.0.1:${port}${clientConfig.service?.path ?? ''}`;
    delete clientConfig.service;
  }
  return manifest;
}

const accounts = [
  'buildkit-controller',
  'buildkit-status',
  'buildkit-lifecycle',
  'buildkit-webhooks',
  'buildkit-bridge',
  'buildkit-authority',
];

async function makeMounts(mounts: Mounts, controlPlane: ControlPlane): Promise<void> {
  await Promise.all(accounts.map((account) => mountAccount(mounts, account, controlPlane.caFile)));
  await mountAudienceToken(mounts, 'buildkit-bridge');
  await renewKeys(mounts, { kubeUrl: controlPlane.url, now: Date.now });
}

/**
 * A run of the authority, and the kubelet's work after it. It is run again, as its Job would be, when an apiserver on a
 * busy machine has not answered it in time.
 */
export async function renewKeys(
  mounts: Mounts,
  { kubeUrl, now }: { readonly kubeUrl: string; readonly now: () => number },
): Promise<void> {
  const config = {
    kube: { url: kubeUrl, accountFolder: join(mounts.folder, 'buildkit-authority') },
    clusterFqdn: developmentFqdn,
    webhookNames: ['127.0.0.1', 'localhost'],
    now,
  };
  await runPersistently(() => runAuthority(config, createLog('authority', 'warn')));
  await Promise.all([
    ...[CA_SECRETS.clients, CA_SECRETS.servers].map((name) => mountCa(mounts, name)),
    ...[CA_SECRETS.webhooks, WEBHOOKS.tlsSecret].map((name) => mountSecret(mounts, name)),
  ]);
}

const busyMs = 120_000;

async function runPersistently(work: () => Promise<unknown>): Promise<void> {
  const endMs = performance.now() + busyMs;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 0) || performance.now() > endMs) throw error;
    }
  }
}
