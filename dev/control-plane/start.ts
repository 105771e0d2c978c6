import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startServer, type Child, type Exit, type Server, type ServerCommand } from '../child.ts';
import type { Binaries } from './find.ts';
import type { ToolName } from './table.ts';

type Options = {
  /** Takes all data, keys and logs. */
  readonly folder: string;
  readonly binaries: Binaries;
  readonly apiserverFlags?: readonly string[];
  readonly node?: NodeSide | undefined;
  /** Told of each child as soon as it exists. */
  readonly watch?: ((child: Child) => void) | undefined;
};
/** Who proves to be this user by a token. */
export interface Account {
  readonly user: string;
  readonly group: string;
  readonly token: string;
}
/** What a control plane with a node has, and one without has not. */
export interface NodeSide {
  /** Where the node and its Pods reach the apiserver, which listens nowhere else. */
  readonly address: string;
  readonly serviceRange: string;
  /** To call the kubelet. */
  readonly kubeletFlags: readonly string[];
  readonly accounts: readonly Account[];
  /** The binary. */
  readonly scheduler: string;
}
export type ControlPlane = Awaited<ReturnType<typeof start>>;

const serviceAccountIssuer = 'https://kubernetes.default.svc';

const words = (text: string) => text.trim().split(/\s+/);

// Files are named relative to the folder, in which every part runs, and which is ours alone. So is the socket: on a
// port, etcd would give every key to every user and web page here. An election of one need not take its time.
const etcd = 'unix://etcd.sock:0';
const etcdArgs = (port: number) =>
  words(`--data-dir=etcd --listen-client-urls=${etcd} --advertise-client-urls=${etcd} --listen-peer-urls=http://127.0.0.1:0
  --listen-metrics-urls=http://127.0.0.1:${port} --unsafe-no-fsync --heartbeat-interval=10 --election-timeout=50`);

// Without a grace period for watches, one that is open would hold up the end for a minute.
const apiserverArgs = (port: number, { address, serviceRange }: Pick<NodeSide, 'address' | 'serviceRange'>) =>
  words(`
  --etcd-servers=${etcd} --bind-address=${address} --secure-port=${port} --cert-dir=. --token-auth-file=tokens.csv
  --advertise-address=${address} --service-cluster-ip-range=${serviceRange}
  --service-account-issuer=${serviceAccountIssuer} --service-account-key-file=service-account.key
  --service-account-signing-key-file=service-account.key --authorization-mode=Node,RBAC --allow-privileged
  --shutdown-watch-termination-grace-period=500ms`);

// A loopback address may not stand among the endpoints of the Service "kubernetes", hence no reconciler of them.
const alone = { address: '127.0.0.1', serviceRange: '10.0.0.0/16' };
const aloneFlags = ['--endpoint-reconciler-type=none'];
/** A kubelet writes only its own node and what is on it. */
const nodeFlags = ['--enable-admission-plugins=NodeRestriction', '--kubelet-preferred-address-types=InternalIP'];

const controllerManagerArgs = (port: number) =>
  words(`
  --kubeconfig=admin.kubeconfig --bind-address=127.0.0.1 --secure-port=${port} --leader-elect=false
  --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key --root-ca-file=apiserver.crt
  --kube-api-qps=200 --kube-api-burst=400`);

/** Of Kubernetes' controllers those that do something where there is no node. */
const controllersAlone = words(`
  --controllers=namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller
  --controllers=garbage-collector-controller,deployment-controller,replicaset-controller
  --controllers=clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller`);

const schedulerArgs = (port: number) =>
  words(`
  --kubeconfig=admin.kubeconfig --bind-address=127.0.0.1 --secure-port=${port} --leader-elect=false
  --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key`);

/**
 * Starts etcd, kube-apiserver and kube-controller-manager, each when the one before it is ready.
 * `exited` resolves at the first end of a part that `stop` did not ask for.
 */
export async function start({ binaries, watch, node, apiserverFlags = [], ...options }: Options) {
  const folder = resolve(options.folder);
  const caFile = join(folder, 'apiserver.crt'); // the apiserver makes it, with a CA of its own
  const servers = new Map<string, Server>();
  const children = (): Child[] => [...servers.values()].map(({ child }) => child);
  const exited = Promise.withResolvers<Exit>();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= endInReverse(children()));
  const follow = (name: string, server: Server): void => {
    servers.set(name, server);
    void server.child.ended.then((exit) => {
      if (!stopped && servers.get(name) === server) exited.resolve(exit);
    });
  };
  /** Ends a part as at an upgrade, and starts it again with all it had stored; resolves when it is ready. */
  const restart = async (name: string): Promise<void> => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`${name}: expected one of ${[...servers.keys()].join(', ')}`);
    servers.delete(name);
    follow(name, await server.restart());
  };
  const launch = async (part: Part) => {
    const server = await startServer({ scheme: 'https', readyPath: '/healthz', cwd: folder, caFile, watch, ...part });
    follow(part.name, server);
    return server.url;
  };
  const launchTool = (name: ToolName, part: Omit<Part, 'name' | 'file'>) =>
    launch({ name, file: binaries[name], ...part });
  try {
    const token = await writeCredentials(folder, node?.accounts ?? []);
    await launchTool('etcd', { scheme: 'http', readyPath: '/readyz', args: etcdArgs });
    const flags = [...(node === undefined ? aloneFlags : [...nodeFlags, ...node.kubeletFlags]), ...apiserverFlags];
    const { address } = node ?? alone;
    const args = (port: number) => [...apiserverArgs(port, node ?? alone), ...flags];
    const url = await launchTool('kube-apiserver', { address, readyPath: '/readyz', args });
    const adminKubeconfig = await writeKubeconfig(folder, url, token);
    const controllers = node === undefined ? controllersAlone : [];
    await launchTool('kube-controller-manager', { args: (port) => [...controllerManagerArgs(port), ...controllers] });
    if (node !== undefined) await launch({ name: 'kube-scheduler', file: node.scheduler, args: schedulerArgs });
    return {
      url,
      caFile,
      adminKubeconfig,
      serviceAccountIssuer,
      get children() {
        return children();
      },
      exited: exited.promise,
      restart,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Part = Pick<ServerCommand, 'name' | 'file' | 'args'> & Partial<ServerCommand>;

/** The apiserver ends before etcd, without which it would hang for a minute. */
async function endInReverse(children: readonly Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.end();
}

async function writeCredentials(folder: string, accounts: readonly Account[]): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = randomUUID();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'sec1', format: 'pem' });
  await writeFile(join(folder, 'service-account.key'), key, { mode: 0o600 });
  const rows = [{ token, user: 'admin', group: 'system:masters' }, ...accounts].map(
    (account) => `${account.token},${account.user},${account.user},${account.group}\n`,
  );
  await writeFile(join(folder, 'tokens.csv'), rows.join(''), { mode: 0o600 });
  return token;
}

async function writeKubeconfig(folder: string, server: string, token: string): Promise<string> {
  const file = join(folder, 'admin.kubeconfig');
  const name = 'buildkit-controller';
  const ca = await readFile(join(folder, 'apiserver.crt'), 'base64');
  const clusters = [{ name, cluster: { server, 'certificate-authority-data': ca } }];
  const users = [{ name, user: { token } }];
  const contexts = [{ name, context: { cluster: name, user: name } }];
  const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts, 'current-context': name };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
