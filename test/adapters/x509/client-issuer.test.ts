import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from '@peculiar/x509';
import fc from 'fast-check';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate as NodeCertificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSignedBy } from '../../../adapters/x509/authorities.ts';
import { createClientIssuer } from '../../../adapters/x509/client-issuer.ts';
import { intermediateCaTtlSeconds } from '../../../api/limits/authority.ts';
import { splitBundle } from '../../../core/authority/bundle.ts';
import type { IssuedCertificate, IssueRequest } from '../../../core/certificates/issued.ts';
import { makeClientCa, writeClientCa, type ClientCa } from './client-ca.ts';

const run = promisify(execFile);
const nowSeconds = Math.floor(Date.now() / 1000);
const pools = [
  { namespace: 'tenant-a', name: 'tenant-pool', uid: '11111111-1111-4111-8111-111111111111' },
  { namespace: 'buildkit-system', name: 'shared-pool', uid: '22222222-2222-4222-8222-222222222222' },
];
const uris = [
  'buildkit://dev.buildkit.internal/ns/tenant-a/pool/tenant-pool/uid/11111111-1111-4111-8111-111111111111',
  'buildkit://dev.buildkit.internal/ns/buildkit-system/pool/shared-pool/uid/22222222-2222-4222-8222-222222222222',
  // sha256sum of the trust domain.
  'buildkit://dev.buildkit.internal/principal/system%3Aserviceaccount%3Atenant-a%3Adefault/domain/fae37255bc7a0553f403b485e676c4e66ae106b4bfb10c426c15dd3e52ec7006',
];
const request = {
  principal: 'system:serviceaccount:tenant-a:default',
  trustDomain: 'ns/tenant-a',
  pools,
  ttlSeconds: 3600,
};

let folder: string;
let clockMs: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-issuer-'));
  clockMs = nowSeconds * 1000 + 400;
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** With keys made by the issuer. */
function createIssuer(): (
  asked: Omit<IssueRequest, 'issuedAtMs'>,
) => Promise<IssuedCertificate & { readonly clientKey: string }> {
  const issue = createClientIssuer({ caFolder: folder, clusterFqdn, now: () => clockMs });
  return async (asked) => {
    const issued = await issue({ ...asked, issuedAtMs: clockMs });
    if (!issued.ok || issued.value.clientKey === undefined) throw new Error('expected a certificate with its key');
    return { ...issued.value, clientKey: issued.value.clientKey };
  };
}

const clusterFqdn = 'dev.buildkit.internal';

async function mountCa(ca: Partial<ClientCa> = {}): Promise<ClientCa> {
  const mounted = { ...makeClientCa(clusterFqdn, nowSeconds), ...ca };
  await writeClientCa(folder, mounted);
  return mounted;
}

async function openssl(issued: Required<IssuedCertificate>, args: readonly string[]): Promise<string> {
  const paths = new Map<string, string>();
  const files = { ca: issued.caCert, leaf: issued.clientCert, key: issued.clientKey };
  for (const [name, pem] of Object.entries(files)) {
    paths.set(name, join(folder, `${name}.pem`));
    await writeFile(join(folder, `${name}.pem`), pem);
  }
  const { stdout } = await run(
    'openssl',
    args.map((arg) => paths.get(arg) ?? arg),
  );
  return stdout;
}

describe('a client certificate', () => {
  it('is what OpenSSL takes from a client, and not from a server', async () => {
    await mountCa();
    const issued = await createIssuer()(request);
    const chain = ['-CAfile', 'ca', '-untrusted', 'leaf', 'leaf'];
    expect(await openssl(issued, ['verify', '-x509_strict', '-purpose', 'sslclient', ...chain])).toMatch(/: OK\n$/);
    await expect(openssl(issued, ['verify', '-purpose', 'sslserver', ...chain])).rejects.toThrow(
      'unsuitable certificate purpose',
    );
    expect(await openssl(issued, ['pkey', '-in', 'key', '-noout', '-check'])).toBe('Key is valid\n');
    const text = await openssl(issued, [
      'x509',
      '-in',
      'leaf',
      '-noout',
      '-serial',
      '-ext',
      'subjectAltName,keyUsage,extendedKeyUsage,basicConstraints',
    ]);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      `serial=${issued.serial}`,
      'X509v3 Basic Constraints: critical',
      'CA:FALSE',
      'X509v3 Key Usage: critical',
      'Digital Signature',
      'X509v3 Extended Key Usage:',
      'TLS Web Client Authentication',
      'X509v3 Subject Alternative Name:',
      uris.map((uri) => `URI:${uri}`).join(', '),
    ]);
  });

  it('says its profile, by another parser', async () => {
    await mountCa();
    const issued = await createIssuer()(request);
    const certificate = new X509Certificate(issued.clientCert);
    const [, intermediate = ''] = splitBundle(issued.clientCert);
    const ca = new X509Certificate(intermediate);
    expect(certificate.serialNumber.toUpperCase()).toBe(issued.serial);
    expect(issued.serial).toMatch(/^[0-9A-F]{32}$/);
    expect(certificate.issuer).toBe('CN=buildkit-controller clients');
    expect(certificate.subject).toMatch(/^O=buildkit-client, CN=[0-9a-f]{64}$/);
    expect(certificate.notBefore.getTime()).toBe((nowSeconds - 60) * 1000);
    expect(certificate.notAfter.getTime()).toBe((nowSeconds + 3600) * 1000);
    expect(issued.notAfter).toBe(nowSeconds + 3600);
    expect(certificate.extensions.map(({ type, critical }) => [type, critical])).toEqual([
      ['2.5.29.19', true],
      ['2.5.29.15', true],
      ['2.5.29.37', false],
      ['2.5.29.14', false],
      ['2.5.29.35', false],
      ['2.5.29.17', false],
    ]);
    expect(certificate.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: false, pathLength: undefined });
    expect(certificate.getExtension(KeyUsagesExtension)?.usages).toBe(KeyUsageFlags.digitalSignature);
    expect(certificate.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual(
      uris.map((value) => ({ type: 'url', value })),
    );
    expect(certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId.toUpperCase()).toBe(issued.subjectKeyId);
    expect(certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(
      ca.getExtension(SubjectKeyIdentifierExtension)?.keyId,
    );
  });

  it('has the key that came with it, of its own each time', async () => {
    await mountCa();
    const issue = createIssuer();
    const keys = new Set<string>();
    for (let count = 0; count < 300; count++) {
      const issued = await issue(request);
      expect(new NodeCertificate(issued.clientCert).checkPrivateKey(createPrivateKey(issued.clientKey))).toBe(true);
      keys.add(issued.clientKey).add(issued.serial);
    }
    expect(keys.size).toBe(600);
  });

  it('is read by OpenSSL for whatever pools it names', async () => {
    const ca = new NodeCertificate((await mountCa()).clients.certificate);
    const issue = createIssuer();
    const label = fc.stringMatching(/^[a-z][-a-z0-9]{0,50}[a-z0-9]$/);
    const pool = fc.record({ namespace: label, name: label, uid: fc.uuid() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(pool, { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 300, max: 86_400 }),
        async (some, ttlSeconds) => {
          const { clientCert } = await issue({ ...request, pools: some, ttlSeconds });
          const certificate = new NodeCertificate(clientCert);
          expect(certificate.verify(ca.publicKey)).toBe(true);
          expect(certificate.subjectAltName?.split(', ')).toEqual([
            ...some.map(
              ({ namespace, name, uid }) =>
                `URI:buildkit://dev.buildkit.internal/ns/${namespace}/pool/${name}/uid/${uid}`,
            ),
            `URI:${String(uris.at(-1))}`,
          ]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the CA', () => {
  it('is looked for again until it is there', async () => {
    const issue = createIssuer();
    await expect(issue(request)).rejects.toThrow('ENOENT');
    await mountCa();
    expect((await issue(request)).serial).toMatch(/./);
  });

  it('is read again after a while, and an unreadable one is not signed with', async () => {
    await mountCa();
    const issue = createIssuer();
    const { caCert } = await issue(request);
    await mountCa();
    clockMs += 29_999;
    expect((await issue(request)).caCert).toBe(caCert);
    clockMs += 1;
    expect((await issue(request)).caCert).not.toBe(caCert);
    await writeFile(join(folder, 'tls.key'), 'not a key');
    clockMs += 30_000;
    await expect(issue(request)).rejects.toThrow(new Error('key: expected PEM, got something else'));
  });

  it('is refused with the key of another', async () => {
    const { root, clients } = makeClientCa(clusterFqdn, nowSeconds);
    const { key } = makeClientCa(clusterFqdn, nowSeconds).clients;
    await mountCa({ root, clients: { ...clients, key } });
    await expect(createIssuer()(request)).rejects.toThrow(
      new Error('key: expected the one of the certificate, got another'),
    );
  });

  it('is refused beside a bundle that it cannot be verified with', async () => {
    const { clients } = makeClientCa(clusterFqdn, nowSeconds);
    await mountCa({ clients });
    await expect(createIssuer()(request)).rejects.toThrow(
      new Error('certificate: expected one signed by a root of ca.crt'),
    );
  });

  it('is refused for a cluster of another name', async () => {
    await mountCa(makeClientCa('prod.buildkit.internal', nowSeconds));
    await expect(createIssuer()(request)).rejects.toThrow(
      new Error('certificate: expected a CA for dev.buildkit.internal alone'),
    );
  });

  it('is never of two halves while its files are exchanged', async () => {
    const cas = await Promise.all([mountCa(), mountCa()]);
    const issue = createIssuer();
    const serials = new Map(cas.map(({ root, clients }) => [root.certificate, clients.certificate]));
    let exchanges = 0;
    const exchange = async () => {
      while (exchanges < 200) await writeClientCa(folder, cas[exchanges++ % 2] ?? cas[0]);
    };
    let issues = 0;
    const ask = async () => {
      while (exchanges < 200) {
        clockMs += 30_000;
        const issued = await issue(request).catch(() => undefined);
        if (issued === undefined) continue;
        issues += 1;
        const [leaf = '', ...chain] = splitBundle(issued.clientCert).map((pem) => `${pem}\n`);
        expect(chain).toEqual([serials.get(issued.caCert)]);
        expect(isSignedBy(leaf, chain[0] ?? '')).toBe(true);
      }
    };
    await Promise.all([exchange(), ask()]);
    expect(issues).toBeGreaterThan(0);
  });

  it('signs nothing that outlives it, and nothing after its end', async () => {
    await mountCa();
    const end = nowSeconds + intermediateCaTtlSeconds;
    clockMs = (end - 10) * 1000;
    expect((await createIssuer()(request)).notAfter).toBe(end);
    clockMs = end * 1000;
    await expect(createIssuer()(request)).rejects.toThrow(
      new Error('client CA: expected one that is valid now, got one that has ended'),
    );
  });
});
