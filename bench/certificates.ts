/** Certificates through the app beside the bare cryptography they can't do without. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRoot } from '../adapters/x509/authorities.ts';
import { createClientIssuer } from '../adapters/x509/client-issuer.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { makeClientRootProfile } from '../core/certificates/profile.ts';
import { createCertificatesApp } from '../functions/certificates/app.ts';
import { percentile } from './percentile.ts';
import type { Bench, Row } from './row.ts';

const goalPerCpuSecond = 2_000;
const goalP99Ms = 5;

export const certificates: Bench = async ({ quick }) => {
  const count = quick ? 2_000 : 20_000;
  const caFolder = await mkdtemp(join(tmpdir(), 'bench-certificates-'));
  try {
    await writeCa(caFolder);
    const request = createRequester(caFolder);
    const timesMs: number[] = [];
    await repeat(count / 4, request);
    const perCpuSecond = await measureRate(count, async () => {
      const startMs = performance.now();
      await request();
      timesMs.push(performance.now() - startMs);
    });
    await repeat(count / 4, bareCryptography);
    const peerPerCpuSecond = await measureRate(count, bareCryptography);
    return makeRows(perCpuSecond, peerPerCpuSecond, percentile(timesMs, 99));
  } finally {
    await rm(caFolder, { recursive: true });
  }
};

const makeRows = (perCpuSecond: number, peerPerCpuSecond: number, p99Ms: number): Row[] => [
  {
    name: 'certificates',
    figure: 'issued, two pools, key made here',
    value: perCpuSecond,
    unit: '/CPU-s',
    peer: 'node:crypto P-256 key, export, sign',
    peerValue: peerPerCpuSecond,
    goal: `>= ${goalPerCpuSecond}/CPU-s`,
    holds: perCpuSecond >= goalPerCpuSecond,
  },
  {
    name: 'certificates',
    figure: 'request, p99',
    value: p99Ms,
    unit: 'ms',
    peer: 'limit',
    peerValue: goalP99Ms,
    goal: `<= ${goalP99Ms} ms`,
    holds: p99Ms <= goalP99Ms,
  },
];

async function writeCa(folder: string): Promise<void> {
  const { certificate, key } = makeRoot(makeClientRootProfile, Math.floor(Date.now() / 1000));
  await writeFile(join(folder, 'tls.crt'), certificate);
  await writeFile(join(folder, 'tls.key'), key);
}

/** The app with ports that answer at once: what remains is reading, deciding, making, checking and writing. */
function createRequester(caFolder: string): () => Promise<void> {
  const app = createCertificatesApp({
    authenticate: () =>
      Promise.resolve({ kind: 'known', principal: { user: { username: 'system:serviceaccount:tenant-a:default' } } }),
    reviewAccess: () => Promise.resolve(true),
    getNamespaceLabels: () => Promise.resolve({}),
    getPool: ({ name }) =>
      Promise.resolve({ metadata: { uid: `${name}-3c1f9a52-7c1e-4f0e-9a52-7c1e4f0e9a52` }, spec: {} }),
    issue: createClientIssuer({ caFolder, clusterFqdn: 'bench.buildkit.internal', now: Date.now }),
    newRequestId: randomUUID,
    log: { info: () => undefined, error: () => undefined },
  });
  const body = JSON.stringify({ pools: ['tenant-pool', 'buildkit-system/shared-pool'], duration: '30m' });
  const headers = { authorization: 'Bearer token', 'content-type': 'application/json' };
  return async () => {
    const answer = await app.request(CERTIFICATES_PATH, { method: 'POST', headers, body });
    if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${await answer.text()}`);
    await answer.text();
  };
}

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const tbsBytes = new Uint8Array(700);

/** @returns at once; a promise only so that both loops are the same. */
function bareCryptography(): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  publicKey.export({ format: 'der', type: 'spki' });
  privateKey.export({ format: 'der', type: 'pkcs8' });
  sign('sha256', tbsBytes, signingKey);
  return Promise.resolve();
}

async function repeat(times: number, run: () => Promise<void>): Promise<void> {
  for (let done = 0; done < times; done++) await run();
}

async function measureRate(times: number, run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await repeat(times, run);
  const { user, system } = process.cpuUsage(before);
  return times / ((user + system) / 1e6);
}
