/** What the intermediates are held to, by who verifies with OpenSSL and by who does with Go. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeIntermediate, makeRoot } from '../../../adapters/x509/authorities.ts';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { toPem } from '../../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial, type TlsPair } from '../../../adapters/x509/signer.ts';
import {
  makeClientCaProfile,
  makeRootProfile,
  makeServerCaProfile,
  type CertificateProfile,
} from '../../../core/certificates/profile.ts';

const hasGo = spawnSync('go', ['version']).status === 0;
const nowSeconds = Math.floor(Date.now() / 1000);
const clusterFqdn = 'dev.buildkit.internal';
const root = makeRoot(makeRootProfile, nowSeconds);
const clients = makeIntermediate(root, makeClientCaProfile, { clusterFqdn, nowSeconds });
const servers = makeIntermediate(root, makeServerCaProfile, { clusterFqdn, nowSeconds });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'constraints-'));
  await writeFile(join(folder, 'root.pem'), root.certificate);
  if (hasGo) {
    const main = join(import.meta.dirname, 'go/main.go');
    execFileSync('go', ['build', '-o', join(folder, 'verify'), main], { env: { ...process.env, CGO_ENABLED: '0' } });
  }
});
afterAll(() => rm(folder, { recursive: true }));

const uri = (host: string) =>
  ({ kind: 'uri', value: `buildkit://${host}/ns/tenant-a/pool/p/uid/11111111-1111-4111-8111-111111111111` }) as const;

/** A chain of what that CA signs when it is told to sign anything. */
function makeChain(ca: TlsPair, change: Partial<CertificateProfile>): string {
  const profile: CertificateProfile = {
    serial: makeSerial(),
    subject: { organization: 'buildkit-client', commonName: 'a'.repeat(64) },
    notBefore: nowSeconds - 60,
    notAfter: nowSeconds + 3600,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    names: [uri(clusterFqdn)],
    ...change,
  };
  return toPem('CERTIFICATE', issue(loadSigner(ca), profile, generateKeyPair())) + ca.certificate;
}

type Purpose = 'client' | 'server';

/** `OK`, or the error in OpenSSL's words. */
async function askOpenssl(chain: string, purpose: Purpose): Promise<string> {
  await writeFile(join(folder, 'chain.pem'), chain);
  const args = ['-x509_strict', '-purpose', `ssl${purpose}`, '-CAfile', 'root.pem', '-untrusted', 'chain.pem'];
  const said = await promisify(execFile)('openssl', ['verify', ...args, 'chain.pem'], { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return /depth lookup: (.*)/.exec(said.stderr)?.[1] ?? said.stdout.trim().replace('chain.pem: ', '');
}

/** `OK`, or the error in Go's words. */
async function askGo(chain: string, purpose: Purpose): Promise<string> {
  await writeFile(join(folder, 'chain.pem'), chain);
  const { stdout } = await promisify(execFile)(join(folder, 'verify'), [purpose, 'root.pem', 'chain.pem'], {
    cwd: folder,
  });
  return stdout.trim();
}

/** Of a name of its own: one that is named as its issuer counts for no path length (RFC 5280, 4.2.1.9). */
const inside = makeIntermediate(
  clients,
  (facts) => ({ ...makeClientCaProfile(facts), subject: { commonName: 'inside' } }),
  { clusterFqdn, nowSeconds },
);

interface Case {
  readonly what: string;
  readonly chain: string;
  readonly purpose?: Purpose;
  readonly openssl: string;
  readonly go: RegExp;
}

const cases: readonly Case[] = [
  { what: 'a client of this cluster', chain: makeChain(clients, {}), openssl: 'OK', go: /^OK$/ },
  {
    what: 'a client of this cluster in front of a server',
    chain: makeChain(clients, {}),
    purpose: 'server',
    openssl: 'unsuitable certificate purpose',
    go: /incompatible key usage/,
  },
  {
    what: 'a client of another cluster',
    chain: makeChain(clients, { names: [uri('prod.buildkit.internal')] }),
    openssl: 'permitted subtree violation',
    go: /URI ".*" is not permitted by any constraint/,
  },
  {
    what: 'a client of this cluster and of another',
    chain: makeChain(clients, { names: [uri(clusterFqdn), uri('prod.buildkit.internal')] }),
    openssl: 'permitted subtree violation',
    go: /URI ".*" is not permitted by any constraint/,
  },
  {
    what: 'a client of the name above',
    chain: makeChain(clients, { names: [uri('buildkit.internal')] }),
    openssl: 'permitted subtree violation',
    go: /URI ".*" is not permitted by any constraint/,
  },
  {
    what: 'a client of a name below',
    chain: makeChain(clients, { names: [uri(`below.${clusterFqdn}`)] }),
    openssl: 'permitted subtree violation',
    go: /^OK$/,
  },
  {
    what: 'a client that has a DNS name',
    chain: makeChain(clients, { names: [uri(clusterFqdn), { kind: 'dns', value: 'p.tenant-a.svc' }] }),
    openssl: 'excluded subtree violation',
    go: /DNS name "p\.tenant-a\.svc" is excluded by constraint/,
  },
  {
    what: 'a client that has an address',
    chain: makeChain(clients, { names: [uri(clusterFqdn), { kind: 'ipv4', value: '10.0.0.1' }] }),
    openssl: 'excluded subtree violation',
    go: /IP address "10\.0\.0\.1" is excluded by constraint/,
  },
  {
    what: 'a server that the CA for clients has signed',
    chain: makeChain(clients, { extendedKeyUsage: ['serverAuth'] }),
    purpose: 'server',
    openssl: 'unsuitable certificate purpose',
    go: /incompatible key usage/,
  },
  {
    what: 'a client that the CA for servers has signed',
    chain: makeChain(servers, {}),
    openssl: 'unsuitable certificate purpose',
    go: /incompatible key usage/,
  },
  {
    what: 'a server of this cluster',
    chain: makeChain(servers, { extendedKeyUsage: ['serverAuth'], names: [{ kind: 'dns', value: 'p.tenant-a.svc' }] }),
    purpose: 'server',
    openssl: 'OK',
    go: /^OK$/,
  },
  {
    what: 'a client below a CA that the CA for clients has made',
    chain: makeChain(inside, {}) + clients.certificate,
    openssl: 'path length constraint exceeded',
    go: /too many intermediates for path length constraint/,
  },
];

describe.each(cases)('$what', ({ chain, purpose = 'client', openssl, go }) => {
  it(`is answered by OpenSSL: ${openssl}`, async () => {
    expect(await askOpenssl(chain, purpose)).toBe(openssl);
  });

  it.skipIf(!hasGo)(`is answered by Go: ${String(go)}`, async () => {
    expect(await askGo(chain, purpose)).toMatch(go);
  });
});
