/** What we sign, judged by OpenSSL, by Go's crypto/x509 and by a TLS server that asks our own predicate. */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClientIssuer } from '../../../adapters/x509/client-issuer.ts';
import { readCsr } from '../../../adapters/x509/csr.ts';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { readUris } from '../../../adapters/x509/names.ts';
import { toPem } from '../../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial } from '../../../adapters/x509/signer.ts';
import type { IssuedCertificate } from '../../../core/certificates/issued.ts';
import { opensPool, type PoolIdentity } from '../../../core/certificates/client-uris.ts';
import { makeClientProfile, type CertificateProfile } from '../../../core/certificates/profile.ts';
import { makeClientCa, writeClientCa, type ClientCa } from './client-ca.ts';
import { ed25519, makeDer, p384, rsa2048, toAlgorithm, toSpki, NULL, type Pair } from './csrs.ts';
import { sign } from 'node:crypto';

const run = promisify(execFile);
const clusterFqdn = 'dev.buildkit.internal';
const nowSeconds = Math.floor(Date.now() / 1000);
const poolA = { namespace: 'tenant-a', name: 'pool-a', uid: '11111111-1111-4111-8111-111111111111' };
const poolB = { namespace: 'tenant-b', name: 'pool-b', uid: '22222222-2222-4222-8222-222222222222' };

let folder: string;
let ca: ClientCa;
let program: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verifiers-'));
  ca = makeClientCa(clusterFqdn, nowSeconds);
  await writeClientCa(folder, ca);
  program = buildGoProgram();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Undefined where there is no Go. */
function buildGoProgram(): string | undefined {
  const path = join(folder, 'verify');
  try {
    const cwd = join(import.meta.dirname, '../../go/verify');
    execFileSync('go', ['build', '-o', path, '.'], { cwd, env: { ...process.env, CGO_ENABLED: '0' }, stdio: 'pipe' });
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

interface Shown {
  readonly chain: string;
  readonly roots: string;
}

function askGo({ chain, roots }: Shown, usage = 'client'): string {
  const asked = JSON.stringify({ Roots: roots, Chain: chain, Usage: usage });
  return execFileSync(program ?? '', { input: `${asked}\n` })
    .toString()
    .trim();
}

async function askOpenssl({ chain, roots }: Shown, purpose = 'sslclient'): Promise<string> {
  await writeFile(join(folder, 'chain.pem'), chain);
  await writeFile(join(folder, 'roots.pem'), roots);
  const files = ['-CAfile', 'roots.pem', '-untrusted', 'chain.pem', 'chain.pem'];
  try {
    await run('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...files], { cwd: folder });
    return 'ok';
  } catch (error) {
    return /lookup: (.*)/.exec((error as { stderr: string }).stderr)?.[1] ?? String(error);
  }
}

async function issueFor(pools: readonly PoolIdentity[], csr?: string): Promise<IssuedCertificate> {
  const read = csr === undefined ? undefined : readCsr(csr);
  if (read?.ok === false) throw new Error(read.error.got);
  const issuer = createClientIssuer({ caFolder: folder, clusterFqdn, now: Date.now });
  const issued = await issuer({
    principal: 'p',
    trustDomain: 'd',
    pools,
    ttlSeconds: 3600,
    issuedAtMs: Date.now(),
    subjectKey: read?.value,
  });
  if (!issued.ok) throw new Error(issued.error);
  return issued.value;
}
const show = ({ clientCert, caCert }: IssuedCertificate): Shown => ({ chain: clientCert, roots: caCert });

/** Signed by the real CA for clients, of a profile that the function itself would never make. */
function forge(change: Partial<CertificateProfile>): Shown {
  const signer = loadSigner(ca.clients);
  const issuance = { serial: makeSerial(), nowSeconds, ttlSeconds: 3600, issuerNotAfter: signer.notAfter };
  const profile = makeClientProfile({
    ...issuance,
    clusterFqdn,
    pools: [poolA],
    principal: 'x',
    principalHash: 'x',
    domainHash: 'y',
  });
  if (!profile.ok) throw new Error(profile.error);
  const leaf = issue(signer, { ...profile.value, ...change }, generateKeyPair());
  return { chain: toPem('CERTIFICATE', leaf) + ca.clients.certificate, roots: ca.root.certificate };
}

const requestOf = (pair: Pair, algorithm: ReturnType<typeof toAlgorithm>, digest: string | null): string =>
  makeDer({
    spki: toSpki(pair),
    algorithm,
    makeSignature: (info) => sign(digest, info, pair.privateKey),
  }).toBase64();

const kinds: readonly (readonly [string, () => string | undefined])[] = [
  ['made here', () => undefined],
  ['of a request, P-256', () => makeDer().toBase64()],
  ['of a request, P-384', () => requestOf(p384, toAlgorithm('1.2.840.10045.4.3.3'), 'sha384')],
  ['of a request, RSA', () => requestOf(rsa2048, toAlgorithm('1.2.840.113549.1.1.11', NULL), 'sha256')],
  ['of a request, Ed25519', () => requestOf(ed25519, toAlgorithm('1.3.101.112'), null)],
];

describe.each(kinds)('a certificate with a key %s', (_, makeCsr) => {
  it('is taken by OpenSSL for a client, and not for a server', async () => {
    const shown = show(await issueFor([poolA, poolB], makeCsr()));
    expect(await askOpenssl(shown)).toBe('ok');
    expect(await askOpenssl(shown, 'sslserver')).toBe('unsuitable certificate purpose');
  });

  it('is taken by Go for a client, and not for a server', async ({ skip }) => {
    if (program === undefined) return skip('there is no Go on this machine');
    const shown = show(await issueFor([poolA, poolB], makeCsr()));
    expect(askGo(shown)).toBe('ok');
    expect(askGo(shown, 'server')).toBe('x509: certificate specifies an incompatible key usage');
  });
});

describe('what the CA for clients may not say is refused in spite of its signature:', () => {
  const foreign = { kind: 'uri', value: 'buildkit://other.internal/ns/a/pool/b/uid/c' } as const;
  const cases: readonly (readonly [string, Partial<CertificateProfile>, string, RegExp])[] = [
    [
      'a pool of another cluster',
      { names: [foreign] },
      'permitted subtree violation',
      /not permitted by any constraint/,
    ],
    ['a DNS name', { names: [{ kind: 'dns', value: 'a.b' }] }, 'excluded subtree violation', /excluded by constraint/],
    [
      'an address',
      { names: [{ kind: 'ipv4', value: '10.0.0.1' }] },
      'excluded subtree violation',
      /excluded by constraint/,
    ],
  ];

  it.each(cases)('%s, by OpenSSL', async (_, change, message) => {
    expect(await askOpenssl(forge(change))).toBe(message);
  });

  it.for(cases)('%s, by Go', ([, change, , said], { skip }) => {
    if (program === undefined) return skip('there is no Go on this machine');
    expect(askGo(forge(change))).toMatch(said);
  });
});

describe('a server that trusts the bundle and asks which pool', () => {
  /** `open`, or why a client with this certificate is not let in to the pool. */
  async function enter(issued: IssuedCertificate, pool: PoolIdentity, roots = issued.caCert): Promise<string> {
    const own = generateKeyPair();
    const serving = issue(loadSigner(ca.root), { ...serverProfile, serial: makeSerial() }, own);
    const server = createServer({
      key: toPem('PRIVATE KEY', own.privateKey),
      cert: toPem('CERTIFICATE', serving),
      ca: roots,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({
      port: (server.address() as AddressInfo).port,
      cert: issued.clientCert,
      key: issued.clientKey,
      rejectUnauthorized: false,
    });
    client.on('error', () => undefined);
    const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
    const verdict = judge(socket, pool);
    client.destroy();
    server.close();
    return verdict;
  }

  const serverProfile = {
    subject: { commonName: 'gateway' },
    notBefore: nowSeconds - 60,
    notAfter: nowSeconds + 600,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    names: [{ kind: 'dns', value: 'localhost' }],
  } as const;

  function judge(socket: TLSSocket, pool: PoolIdentity): string {
    if (!socket.authorized) return `not verified: ${String(socket.authorizationError)}`;
    const uris = readUris(socket.getPeerCertificate().raw);
    return uris.ok && opensPool(uris.value, clusterFqdn, pool) ? 'open' : 'another pool';
  }

  it('lets in to the pools that the certificate names, and to no other', async () => {
    const issued = await issueFor([poolA]);
    expect(await enter(issued, poolA)).toBe('open');
    expect(await enter(issued, poolB)).toBe('another pool');
    expect(await enter(await issueFor([poolA, poolB]), poolB)).toBe('open');
  });

  it('does not let in to a pool that was deleted and made again', async () => {
    const again = { ...poolA, uid: '33333333-3333-4333-8333-333333333333' };
    const issued = await issueFor([poolA]);
    expect(await enter(issued, again)).toBe('another pool');
    expect(await enter(await issueFor([again]), again)).toBe('open');
  });

  it('does not let in whom another CA signed, whatever it says', async () => {
    const own = makeClientCa(clusterFqdn, nowSeconds).root.certificate;
    expect(await enter(await issueFor([poolA]), poolA, own)).toMatch(/^not verified: /);
  });
});

describe('names of a certificate', () => {
  it('are read as they are written', () => {
    const { chain } = forge({
      names: [
        { kind: 'uri', value: 'buildkit://a, URI:b' },
        { kind: 'dns', value: 'buildkit.example' },
      ],
    });
    expect(readUris(derOf(chain))).toEqual({ ok: true, value: ['buildkit://a, URI:b'] });
    expect(readUris(derOf(ca.root.certificate))).toEqual({ ok: true, value: [] });
  });

  it('are empty where there is no certificate', () => {
    expect(readUris(new Uint8Array())).toEqual({
      ok: false,
      error: 'certificate: expected X.509 in DER, got expected a value, got the end',
    });
  });
});

const derOf = (pem: string): Uint8Array =>
  Uint8Array.fromBase64(/-----BEGIN CERTIFICATE-----([^-]*)/.exec(pem)?.[1] ?? '');
