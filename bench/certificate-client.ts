/** Who asks for certificates in a benchmark: a ServiceAccount that may use its own pool and a shared one. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { Agent, request as send } from 'node:http';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { KINDS, STORAGE_API_VERSION, SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import { formatPoolKey } from '../core/pool-reference.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import type { Stack } from '../dev/stack.ts';
import { makeCsr, type CsrKind } from './csr.ts';

const namespace = 'bench-clients';
const ownPool = { namespace, name: 'own' };
/** Whose namespace lets the client in by a right alone, which is reviewed. */
export const sharedPool = { namespace: SYSTEM_NAMESPACE, name: 'bench-shared' };

export interface Client {
  readonly token: string;
}

export async function letIn({ kubectl }: Stack): Promise<Client> {
  const pool = (metadata: object) => ({ apiVersion: STORAGE_API_VERSION, kind: KINDS.pool.kind, metadata, spec: {} });
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'client', namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'bench-client', namespace: sharedPool.namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'buildkit-pool-user' },
      subjects: [{ kind: 'ServiceAccount', name: 'client', namespace }],
    },
    pool(ownPool),
    pool(sharedPool),
  ];
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const args = ['create', 'token', 'client', '-n', namespace, `--audience=${TOKEN_AUDIENCE}`];
  return { token: (await expectSuccess(kubectl, args)).trim() };
}

export interface Requests extends Client {
  readonly port: number;
  readonly connections: number;
  /** Absent: the key is made by `api`. */
  readonly kind: CsrKind | undefined;
}

/** Each call requests a certificate for both pools. Rejects where the answer is none. */
export function requestCertificates({ token, port, connections, kind }: Requests): () => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const bodies = makeBodies(kind);
  let asked = 0;
  return () => post({ port, agent, token, body: bodies[asked++ % bodies.length] ?? '' });
}

/** Several, so that no answer could be remembered for a request. */
function makeBodies(kind: CsrKind | undefined): readonly string[] {
  const pools = [ownPool.name, formatPoolKey(sharedPool)];
  if (kind === undefined) return [JSON.stringify({ pools, duration: '30m' })];
  return Array.from({ length: 16 }, () => JSON.stringify({ pools, duration: '30m', csr: makeCsr(kind) }));
}

interface Post extends Client {
  readonly port: number;
  readonly agent: Agent;
  readonly body: string;
}

const post = ({ port, agent, token, body }: Post): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const options = { port, agent, method: 'POST', host: '127.0.0.1', path: CERTIFICATES_PATH, headers };
    const sent = send(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.once('end', () => {
        if (answer.statusCode === 200 && text.includes('BEGIN CERTIFICATE')) resolve();
        else reject(new Error(`expected a certificate, got ${answer.statusCode}: ${text}`));
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const tbsBytes = new Uint8Array(700);

/** What no certificate can do without: so often in a CPU-second. */
export function bareCryptography(times: number): number {
  const before = process.cpuUsage();
  for (let done = 0; done < times; done++) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    publicKey.export({ format: 'der', type: 'spki' });
    privateKey.export({ format: 'der', type: 'pkcs8' });
    sign('sha256', tbsBytes, signingKey);
  }
  const { user, system } = process.cpuUsage(before);
  return times / ((user + system) / 1e6);
}
