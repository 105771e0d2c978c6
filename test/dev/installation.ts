/** What tests of the manifests need: a control plane without any part of ours, and the kinds of others. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { find } from '../../dev/control-plane/find.ts';
import { controlPlane as controlPlaneRelease } from '../../dev/control-plane/table.ts';
import { start, type ControlPlane } from '../../dev/control-plane/start.ts';
import { createKubectl, expectSuccess, type Kubectl } from '../../dev/kubectl.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

const root = join(import.meta.dirname, '../..');
export const manifests = join(root, 'manifests');
export const overlay = (name: string): string => join(manifests, 'overlays', name);

const execute = promisify(execFile);

export interface BareCluster {
  readonly controlPlane: ControlPlane;
  readonly kubectl: Kubectl;
  /** The stdout of a kubectl command that must succeed. */
  readonly run: (args: readonly string[], input?: string) => Promise<string>;
  /** Takes what the test writes; it goes at the end. */
  readonly folder: string;
  /** The kubectl that is run. */
  readonly file: string;
  readonly end: () => Promise<void>;
}

/** An apiserver and its controllers, and nothing of ours. */
export async function startBareCluster(): Promise<BareCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'installation-'));
  const watchdog = createWatchdog();
  const binaries = await find(controlPlaneRelease);
  const controlPlane = await start({ folder: join(folder, 'control-plane'), binaries, watch: watchdog.watch });
  const kubectl = createKubectl(binaries.kubectl, controlPlane.adminKubeconfig);
  const end = async () => {
    await controlPlane.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
  const run: BareCluster['run'] = (args, input) => expectSuccess(kubectl, args, input);
  return { controlPlane, kubectl, run, folder, file: binaries.kubectl, end };
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [section: string]: unknown;
}

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** What `kubectl apply -k` of that folder applies. */
export async function render(kubectl: Kubectl, folder: string): Promise<Manifest[]> {
  return parse(await expectSuccess(kubectl, ['kustomize', folder]));
}

/** A Go module at the version that a go.mod of this repository selects, and the kinds in it that are used here. */
interface Module {
  readonly goModFolder: string;
  readonly path: string;
  readonly folder: string;
  readonly kinds: readonly string[];
}

const modules: readonly Module[] = [
  {
    goModFolder: 'dev/control-plane/go/serving',
    path: 'knative.dev/serving',
    folder: 'config/core/300-resources',
    kinds: ['Service'],
  },
  {
    goModFolder: 'dev/control-plane/go/eventing',
    path: 'knative.dev/eventing',
    folder: 'config/core/resources',
    kinds: ['ApiServerSource', 'PingSource'],
  },
  {
    goModFolder: 'test/go/cert-manager',
    path: 'github.com/cert-manager/cert-manager',
    folder: 'deploy/crds',
    kinds: ['Certificate', 'Issuer'],
  },
];

/** The definitions of Knative and cert-manager that our manifests use, from their own modules. */
export const readForeignDefinitions = async (): Promise<Manifest[]> =>
  (await Promise.all(modules.map(readDefinitions))).flat();

async function readDefinitions({ goModFolder, path, folder, kinds }: Module): Promise<Manifest[]> {
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const cwd = join(root, goModFolder);
  const { stdout } = await execute('go', ['mod', 'download', '-json', path], { cwd, env });
  const definitions = join((JSON.parse(stdout) as { Dir: string }).Dir, folder);
  const files = (await readdir(definitions)).filter((file) => file.endsWith('.yaml'));
  const texts = await Promise.all(files.map((file) => readFile(join(definitions, file), 'utf8')));
  const found = texts
    .flatMap(parse)
    .filter(({ kind, spec }) => kind === 'CustomResourceDefinition' && kinds.includes(kindOf(spec)));
  if (found.length !== kinds.length)
    throw new Error(`${definitions}: expected ${kinds.join(', ')}, got ${found.length}`);
  return found;
}

const kindOf = (spec: unknown): string => (spec as { names: { kind: string } }).names.kind;

export async function applyForeignDefinitions({ run }: Pick<BareCluster, 'run'>): Promise<void> {
  const items = await readForeignDefinitions();
  await run(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const names = items.map(({ metadata }) => `crd/${metadata.name}`);
  await run(['wait', '--for=condition=Established', '--timeout=120s', ...names]);
}

/** The page that says how to install. */
const readPage = (): Promise<string> => readFile(join(root, 'docs/install.md'), 'utf8');

/** The commands below a heading of the page, one a block. */
export async function readCommands(heading: string): Promise<string[]> {
  const section = (await readPage()).split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, command = '']) => command);
}

/** The kustomization that the page has a cluster's owner write. */
export async function readOwnKustomization(): Promise<string> {
  return /^```yaml\n(.*?)^```$/ms.exec(await readPage())?.[1] ?? '';
}

interface Shell {
  readonly kubeconfig: string;
  /** The kubectl that is run. */
  readonly file: string;
  /** A checkout; this one when absent. */
  readonly cwd?: string;
}

/** Runs commands as they stand. @throws {Error} when one fails, or takes minutes. */
export async function playCommands(commands: readonly string[], { kubeconfig, file, cwd = root }: Shell) {
  const PATH = `${dirname(file)}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH };
  for (const command of commands) {
    await execute('bash', ['-euo', 'pipefail', '-c', command], { cwd, env, timeout: 120_000 });
  }
}

/** What Pods are made of. */
export interface PodTemplate {
  readonly metadata?: Pick<Manifest['metadata'], 'labels' | 'annotations'>;
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly Container[];
  readonly [field: string]: unknown;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly [field: string]: unknown;
}

/** The Pod template of a Deployment, Job, CronJob or Knative Service; undefined for everything else. */
export function templateOf({ kind, spec }: Manifest): PodTemplate | undefined {
  const owner = kind === 'CronJob' ? (spec as { jobTemplate: { spec: object } }).jobTemplate.spec : spec;
  return (owner as { template?: PodTemplate } | undefined)?.template;
}
