/**
 * Certificates over HTTP, from a server of their own process, beside the bare cryptography they can't do without: with
 * 32 connections kept alive, two pools, every answer checked by the client to be one.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeIntermediate, makeRoot } from '../adapters/x509/authorities.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { makeClientCaProfile, makeRootProfile } from '../core/certificates/profile.ts';
import { makeCsr, type CsrKind } from './csr.ts';
import { percentile } from './percentile.ts';
import type { Bench, Row } from './row.ts';
import { startServer, type Server } from './server.ts';
import { timeEach } from './workers.ts';

const clusterFqdn = 'bench.buildkit.internal';
const connections = 32;
const goalPerCpuSecond = 4_000;
const goalP99Ms = 50;

export const certificates: Bench = async ({ quick }) => {
  const count = quick ? 600 : 20_000;
  const folder = await mkdtemp(join(tmpdir(), 'bench-certificates-'));
  let server: Server | undefined;
  try {
    await writeCa(folder);
    server = await startServer('bench/certificate-server.ts', { CA_FOLDER: folder, CLUSTER_FQDN: clusterFqdn });
    for (let done = 0; done < count / 4; done++) bareCryptography();
    const bare = measureBare(count);
    const rows: Row[] = [];
    for (const [figure, kind] of figures) rows.push(...(await measure(server, { figure, kind, count, bare })));
    return rows;
  } finally {
    server?.end();
    await rm(folder, { recursive: true });
  }
};

const figures: readonly (readonly [string, CsrKind | undefined])[] = [
  ['key made here', undefined],
  ['CSR, P-256', 'P-256'],
  ['CSR, RSA 2048', 'RSA 2048'],
];

interface Measured {
  readonly figure: string;
  readonly kind: CsrKind | undefined;
  readonly count: number;
  /** Per CPU-second. */
  readonly bare: number;
}

async function measure(server: Server, { figure, kind, count, bare }: Measured): Promise<Row[]> {
  const bodies = makeBodies(kind);
  await load(server.port, bodies, count / 4);
  const before = await server.cpuSeconds();
  const timesMs = await load(server.port, bodies, count);
  const perCpuSecond = count / ((await server.cpuSeconds()) - before);
  const p99Ms = percentile(timesMs, 99);
  return [
    {
      name: 'certificates',
      figure: `issued, two pools, ${figure}`,
      value: perCpuSecond,
      unit: '/CPU-s',
      peer: 'node:crypto P-256 key, export, sign',
      peerValue: bare,
      goal: `>= ${goalPerCpuSecond}/CPU-s`,
      holds: perCpuSecond >= goalPerCpuSecond,
    },
    {
      name: 'certificates',
      figure: `request, ${figure}, p99`,
      value: p99Ms,
      unit: 'ms',
      peer: 'limit',
      peerValue: goalP99Ms,
      goal: `<= ${goalP99Ms} ms`,
      holds: p99Ms <= goalP99Ms,
    },
  ];
}

async function writeCa(folder: string): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const root = makeRoot(makeRootProfile, nowSeconds);
  const { certificate, key } = makeIntermediate(root, makeClientCaProfile, { clusterFqdn, nowSeconds });
  const files = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': root.certificate };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

/** Several, so that no answer could be remembered for a request. */
function makeBodies(kind: CsrKind | undefined): readonly string[] {
  const pools = ['tenant-pool', 'buildkit-system/shared-pool'];
  if (kind === undefined) return [JSON.stringify({ pools, duration: '30m' })];
  return Array.from({ length: 16 }, () => JSON.stringify({ pools, duration: '30m', csr: makeCsr(kind) }));
}

/** Milliseconds of each request, as many at once as there are connections. */
async function load(port: number, bodies: readonly string[], count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let asked = 0;
  const timesMs = await timeEach(count, connections, () =>
    post({ port, agent, body: bodies[asked++ % bodies.length] ?? '' }),
  );
  agent.destroy();
  return timesMs;
}

const post = ({ port, agent, body }: { port: number; agent: Agent; body: string }): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: 'Bearer token',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = send(
      { port, agent, method: 'POST', host: '127.0.0.1', path: CERTIFICATES_PATH, headers },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.once('end', () => {
          if (answer.statusCode === 200 && text.includes('BEGIN CERTIFICATE')) resolve();
          else reject(new Error(`expected a certificate, got ${answer.statusCode}: ${text}`));
        });
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const tbsBytes = new Uint8Array(700);

function bareCryptography(): void {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  publicKey.export({ format: 'der', type: 'spki' });
  privateKey.export({ format: 'der', type: 'pkcs8' });
  sign('sha256', tbsBytes, signingKey);
}

function measureBare(times: number): number {
  const before = process.cpuUsage();
  for (let done = 0; done < times; done++) bareCryptography();
  const { user, system } = process.cpuUsage(before);
  return times / ((user + system) / 1e6);
}
