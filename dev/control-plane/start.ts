import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startServer, type Child, type Exit, type Server } from '../child.ts';
import type { Binaries } from './find.ts';
import type { ToolName } from './table.ts';

type Options = {
  /** Takes all data, keys and logs. */
  readonly folder: string;
  readonly binaries: Binaries;
  readonly apiserverFlags?: readonly string[];
  /** Told of each child as soon as it exists. */
  readonly watch?: ((child: Child) => void) | undefined;
};
export type ControlPlane = Awaited<ReturnType<typeof start>>;

const serviceAccountIssuer = 'https://kubernetes.default.svc';

const words = (text: string) => text.trim().split(/\s+/);

// Files are named relative to the folder, in which every part runs, and which is ours alone. So is the socket: on a
// port, etcd would give every key to every user and web page here. An election of one need not take its time.
const etcd = 'unix://etcd.sock:0';
const etcdArgs = (port: number) =>
  words(`--data-dir=etcd --listen-client-urls=${etcd} --advertise-client-urls=${etcd} --listen-peer-urls=http://127.0.0.1:0
  --listen-metrics-urls=http://127.0.0.1:${port} --unsafe-no-fsync --heartbeat-interval=10 --election-timeout=50`);

// A loopback address may not stand among the endpoints of the Service "kubernetes", hence no reconciler of them.
// Without a grace period for watches, one that is open would hold up the end for a minute.
const apiserverArgs = (port: number) =>
  words(`
  --etcd-servers=${etcd} --bind-address=127.0.0.1 --secure-port=${port} --cert-dir=. --token-auth-file=tokens.csv
  --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.0.0.0/16
  --service-account-issuer=${serviceAccountIssuer} --service-account-key-file=service-account.key
  --service-account-signing-key-file=service-account.key --authorization-mode=Node,RBAC --allow-privileged
  --shutdown-watch-termination-grace-period=500ms`);

const controllerManagerArgs = (port: number) =>
  words(`
  --kubeconfig=admin.kubeconfig --bind-address=127.0.0.1 --secure-port=${port} --leader-elect=false
  --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key --root-ca-file=apiserver.crt
  --kube-api-qps=200 --kube-api-burst=400
  --controllers=namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller
  --controllers=garbage-collector-controller,deployment-controller,replicaset-controller
  --controllers=clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller`);

/**
 * Starts etcd, kube-apiserver and kube-controller-manager, each when the one before it is ready.
 * `exited` resolves at the first end of a part that `stop` did not ask for.
 */
export async function start({ binaries, watch, apiserverFlags: extraArgs = [], ...options }: Options) {
  const folder = resolve(options.folder);
  const caFile = join(folder, 'apiserver.crt'); // the apiserver makes it, with a CA of its own
  const servers = new Map<ToolName, Server>();
  const children = (): Child[] => [...servers.values()].map(({ child }) => child);
  const exited = Promise.withResolvers<Exit>();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= endInReverse(children()));
  const follow = (name: ToolName, server: Server): void => {
    servers.set(name, server);
    void server.child.ended.then((exit) => {
      if (!stopped && servers.get(name) === server) exited.resolve(exit);
    });
  };
  /** Ends a part as at an upgrade, and starts it again with all it had stored; resolves when it is ready. */
  const restart = async (name: ToolName): Promise<void> => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`${name}: expected one of ${[...servers.keys()].join(', ')}`);
    servers.delete(name);
    follow(name, await server.restart());
  };
  const launch = async (name: ToolName, readyPath: string, args: (port: number) => readonly string[]) => {
    const scheme = name === 'etcd' ? 'http' : 'https';
    const place = { file: binaries[name], cwd: folder, caFile, watch };
    const server = await startServer({ name, ...place, scheme, readyPath, args });
    follow(name, server);
    return server.url;
  };
  try {
    const token = await writeCredentials(folder);
    await launch('etcd', '/readyz', etcdArgs);
    const url = await launch('kube-apiserver', '/readyz', (port) => [...apiserverArgs(port), ...extraArgs]);
    const adminKubeconfig = await writeKubeconfig(folder, url, token);
    await launch('kube-controller-manager', '/healthz', controllerManagerArgs);
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

/** The apiserver ends before etcd, without which it would hang for a minute. */
async function endInReverse(children: readonly Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.end();
}

async function writeCredentials(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = randomUUID();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'sec1', format: 'pem' });
  await writeFile(join(folder, 'service-account.key'), key, { mode: 0o600 });
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
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
