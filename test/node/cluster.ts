/** What tests on the node ask of it. */
import { inject } from 'vitest';
import { createKubectl, expectSuccess, type Kubectl } from '../../dev/kubectl.ts';
import { createEntrance } from '../../dev/node/machine.ts';
import { createImport, type Node } from '../../dev/node/start.ts';
import { nodeImage } from './image.ts';

/** Why no node runs here. */
export const missing = inject('missing');
const cluster = inject('cluster');

export const kubectl: Kubectl =
  cluster === undefined ? () => Promise.reject(new Error(missing)) : createKubectl(cluster.kubectl, cluster.kubeconfig);

export const importImage: Node['importImage'] =
  cluster === undefined
    ? () => Promise.reject(new Error(missing))
    : createImport(createEntrance(cluster.pid), { ctr: cluster.ctr });

/** The stdout of a kubectl command that must succeed. */
export const run = (args: readonly string[], input?: object): Promise<string> =>
  expectSuccess(kubectl, args, input === undefined ? undefined : JSON.stringify(input));

export const apply = (object: object): Promise<string> => run(['apply', '-f', '-'], object);

export interface PodOptions {
  readonly namespace: string;
  readonly name: string;
  /** JavaScript. */
  readonly script: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the Pod, beside what is here already. */
  readonly spec?: object;
  /** Of its container. */
  readonly container?: object;
}

/** Runs a script as an ordinary user with nothing but what the namespace's `restricted` level allows. */
export const makePod = ({ namespace, name, script, labels = {}, spec = {}, container = {} }: PodOptions) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'node',
        image: nodeImage,
        args: ['--input-type=module', '--eval', script],
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        ...container,
      },
    ],
    ...spec,
  },
});

/** Answers its own name on port 8080. */
export const makeServer = (options: Omit<PodOptions, 'script'>) =>
  makePod({
    ...options,
    script: serving,
    container: { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } },
  });

const serving = `
import { createServer } from 'node:http';
import { hostname } from 'node:os';
const server = createServer((request, response) => response.end(hostname()));
server.listen(8080, () => console.log('listening'));
process.on('SIGTERM', () => process.exit());`;

export const waiting = `setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit());`;

export const waitUntilReady = (namespace: string, ...names: readonly string[]): Promise<string> =>
  run(['wait', '-n', namespace, '--for=condition=Ready', '--timeout=120s', ...names.map((name) => `pod/${name}`)]);

/** What a script run in that Pod prints. */
export const evaluate = (namespace: string, pod: string, script: string): Promise<string> =>
  run(['exec', '-n', namespace, pod, '--', '/node', '--input-type=module', '--eval', script]);
