/** Months of life by an injected clock: certificates are issued all along, while runs break off and CAs are replaced. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClientIssuer } from '../../../adapters/x509/client-issuer.ts';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { toPem } from '../../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial } from '../../../adapters/x509/signer.ts';
import { maxCertificateTtlSeconds, minCertificateTtlSeconds } from '../../../api/limits/certificates.ts';
import { splitBundle } from '../../../core/authority/bundle.ts';
import { clusterFqdn, createWorld, day, Killed, run, start } from './world.ts';

const isSoak = process.env['SOAK'] === '1';
const days = isSoak ? 400 : 75;
/** Of one turn. */
const maxStepSeconds = isSoak ? 30 * 60 : 3 * 60 * 60;
/** What a mount may be behind: everybody is given an hour. */
const maxLagSeconds = 60 * 60;
const samples = isSoak ? 100 : 8;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-load-'));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

/** mulberry32: [0, 1) */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A certificate that somebody shows until it ends. */
interface Shown {
  /** PEM: leaf and intermediate. */
  readonly chain: string;
  /** From when all of the chain is valid; until when the leaf is, and its issuers are. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly issuersNotAfter: number;
  /** PEM: the root that its intermediate is signed by. */
  readonly root: string;
}

const secondsOf = (date: Date): number => date.getTime() / 1000;

/** Verifies the signatures once: which root it takes is then all that a bundle decides. */
function show(chain: string, roots: ReadonlySet<string>): Shown {
  const [leaf, intermediate] = splitBundle(chain).map((pem) => new X509Certificate(pem));
  if (leaf === undefined || intermediate === undefined) throw new Error('expected a leaf and an intermediate');
  if (!leaf.verify(intermediate.publicKey)) throw new Error('leaf: expected one signed by the intermediate');
  const found = [...roots].map((pem) => [pem, new X509Certificate(pem)] as const);
  const [pem, root] = found.find(([, candidate]) => intermediate.verify(candidate.publicKey)) ?? [];
  if (pem === undefined || root === undefined) throw new Error('intermediate: expected one signed by a root');
  const certificates = [leaf, intermediate, root];
  return {
    chain,
    root: pem,
    notBefore: Math.max(...certificates.map(({ validFromDate }) => secondsOf(validFromDate))),
    notAfter: secondsOf(leaf.validToDate),
    issuersNotAfter: Math.min(...[intermediate, root].map(({ validToDate }) => secondsOf(validToDate))),
  };
}

/** What is shown must be valid until its own end, so its issuers must be too. */
function expectVerifiable(
  { root, notBefore, issuersNotAfter }: Shown,
  trusted: ReadonlySet<string>,
  now: number,
): void {
  if (now < notBefore || issuersNotAfter < now) throw new Error('expected a chain that is valid now');
  if (!trusted.has(root)) throw new Error('expected a bundle with the root of the certificate');
}

async function verifyByOpenssl({ chain }: Shown, bundle: string, now: number): Promise<void> {
  const [chainFile, bundleFile] = [join(folder, 'chain.pem'), join(folder, 'bundle.pem')];
  await writeFile(chainFile, chain);
  await writeFile(bundleFile, bundle);
  const args = ['verify', '-x509_strict', '-attime', String(now), '-CAfile', bundleFile, '-untrusted', chainFile];
  expect((await promisify(execFile)('openssl', [...args, chainFile])).stdout).toMatch(/: OK\n$/);
}

/** What stood when, as the kubelets of late ones see it. */
function createHistory<T>() {
  const versions: { readonly at: number; readonly value: T }[] = [];
  return {
    add: (at: number, value: T) => {
      if (versions.at(-1)?.value !== value) versions.push({ at, value });
    },
    at: (time: number): T | undefined => versions.findLast(({ at }) => at <= time)?.value ?? versions[0]?.value,
  };
}

async function live(seed: number) {
  const random = createRandom(seed);
  const between = (low: number, high: number): number => Math.floor(low + random() * (high - low));
  const world = createWorld();
  const bundles = createHistory<string>();
  const secrets = { clients: createHistory<object>(), servers: createHistory<object>() };
  const roots = new Set<string>();
  let now = start;

  const record = () => {
    const bundle = world.world.trust?.roots;
    if (bundle !== undefined) bundles.add(now, bundle);
    for (const root of splitBundle(bundle ?? '')) roots.add(root);
    for (const name of ['clients', 'servers'] as const) {
      const secret = world.secrets.get(name === 'clients' ? 'buildkit-client-ca' : 'buildkit-server-ca');
      if (secret !== undefined) secrets[name].add(now, secret.data);
    }
  };
  const runAuthority = async (askedAt: number, writesLeft: number) => {
    world.world.writesLeft = writesLeft;
    await run(world.makePorts(now, { askedAt })).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    record();
  };

  /** Each instance sees Secret and bundle as late as its kubelet is, each for itself. */
  const instances = await Promise.all(
    ['api-1', 'api-2'].map(async (name) => {
      const caFolder = join(folder, `${name}-${seed}`);
      await mkdir(caFolder);
      const issueClient = createClientIssuer({ caFolder, clusterFqdn, now: () => now * 1000 });
      const remount = async () => {
        const pair = secrets.clients.at(now - between(0, maxLagSeconds)) as Record<string, string>;
        const files = { ...pair, 'ca.crt': bundles.at(now - between(0, maxLagSeconds)) ?? '' };
        for (const [file, content] of Object.entries(files)) await writeFile(join(caFolder, file), content);
      };
      return { issueClient, remount };
    }),
  );
  const pools = [{ namespace: 'n', name: 'p', uid: 'u' }];
  const issueServer = (): string => {
    const { 'tls.crt': certificate = '', 'tls.key': key = '' } = secrets.servers.at(
      now - between(0, maxLagSeconds),
    ) as Record<string, string>;
    const signer = loadSigner({ certificate, key });
    const profile = {
      serial: makeSerial(),
      subject: { commonName: 'gateway' },
      notBefore: now - 60,
      notAfter: between(now + minCertificateTtlSeconds, signer.notAfter + 1),
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['serverAuth'],
      names: [{ kind: 'dns', value: 'p.n.svc' }],
    } as const;
    return toPem('CERTIFICATE', issue(signer, profile, generateKeyPair())) + certificate;
  };

  await runAuthority(0, Infinity);
  const asked = [3 * day, 40 * day].map((seconds) => start + seconds);
  const sampled = new Set<number>();
  while (sampled.size < samples) sampled.add(between(1, days));
  let clients: Shown[] = [];
  let servers: Shown[] = [];
  let held: { readonly bundle: string; readonly until: number }[] = [];
  let nextRun = start + day;
  const counts = { issued: 0, checked: 0, sampled: 0 };

  while (now < start + days * day) {
    const today = Math.floor((now - start) / day);
    now += between(60, maxStepSeconds);
    if (now >= nextRun || random() < 0.02) {
      const askedAt = asked.findLast((time) => time <= now) ?? 0;
      await runAuthority(askedAt, random() < 0.3 ? between(0, 6) : Infinity);
      if (now >= nextRun) nextRun += day;
    }
    for (const { issueClient, remount } of instances) {
      await remount();
      const ttlSeconds = between(minCertificateTtlSeconds, maxCertificateTtlSeconds + 1);
      const issued = await issueClient({ principal: 'p', trustDomain: 'd', pools, ttlSeconds, issuedAtMs: now * 1000 });
      if (!issued.ok) throw new Error(issued.error);
      const { clientCert, caCert, notAfter } = issued.value;
      clients.push(show(clientCert, roots));
      held.push({ bundle: caCert, until: notAfter });
    }
    servers.push(show(issueServer(), roots));
    counts.issued += 3;
    clients = clients.filter(({ notAfter }) => notAfter > now);
    servers = servers.filter(({ notAfter }) => notAfter > now);
    held = held.filter(({ until }) => until > now);

    const atGateways = new Set([0, between(0, maxLagSeconds), maxLagSeconds].map((lag) => bundles.at(now - lag) ?? ''));
    const atClients = new Set(held.map(({ bundle }) => bundle));
    for (const [shown, verifiers] of [
      [clients, atGateways],
      [servers, atClients],
    ] as const) {
      for (const bundle of verifiers) {
        const trusted = new Set(splitBundle(bundle));
        for (const certificate of shown) expectVerifiable(certificate, trusted, now);
        counts.checked += shown.length;
      }
    }
    if (sampled.has(today)) {
      sampled.delete(today);
      for (const [[oldest], verifiers] of [
        [clients, atGateways],
        [servers, atClients],
      ] as const) {
        if (oldest === undefined) throw new Error('expected a certificate');
        for (const bundle of verifiers) await verifyByOpenssl(oldest, bundle, now);
        counts.sampled += verifiers.size;
      }
    }
  }
  return { ...counts, roots: roots.size, trusted: splitBundle(world.world.trust?.roots ?? '').length };
}

it(
  'verifies every certificate until it ends, at any time, with every bundle that somebody may hold',
  async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const lived = await live(seed).catch((error: unknown) => {
      throw new Error(`SEED=${seed}: ${(error as Error).message}`, { cause: error });
    });
    expect(lived, `SEED=${seed}`).toMatchObject({ roots: 3, trusted: 1 });
    expect(lived.sampled).toBeGreaterThanOrEqual(2 * samples);
    if (isSoak) console.log(`SEED=${seed}`, JSON.stringify(lived));
  },
  isSoak ? 3_600_000 : 600_000,
);
