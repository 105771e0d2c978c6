import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeIntermediate, makeRoot } from '../../../adapters/x509/authorities.ts';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { createLifecycleIssuer } from '../../../adapters/x509/lifecycle-issuer.ts';
import type { TlsPair } from '../../../adapters/x509/signer.ts';
import { intermediateCaTtlSeconds } from '../../../api/limits/authority.ts';
import { gatewayLeafTtlSeconds, workerLeafTtlSeconds } from '../../../api/limits/lifecycle.ts';
import { makeRootProfile, makeServerCaProfile } from '../../../core/certificates/profile.ts';

const clusterFqdn = 'dev.buildkit.internal';
const nowSeconds = Math.floor(Date.now() / 1000);
const worker = { namespace: 'tenant-a', name: 'w', uid: '11111111-1111-4111-8111-111111111111' };
const pool = { namespace: 'tenant-a', name: 'pool', uid: '22222222-2222-4222-8222-222222222222' };
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

let folder: string;
let clockMs: number;

const makeServers = () => {
  const root = makeRoot(makeRootProfile, nowSeconds);
  return { root, servers: makeIntermediate(root, makeServerCaProfile, { clusterFqdn, nowSeconds }) };
};

async function mount(servers: TlsPair, root: TlsPair): Promise<void> {
  const files = { 'tls.crt': servers.certificate, 'tls.key': servers.key, 'ca.crt': root.certificate };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

const createIssuer = () => createLifecycleIssuer({ caFolder: folder, clusterFqdn, now: () => clockMs });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifecycle-issuer-'));
  clockMs = nowSeconds * 1000 + 400;
});
afterEach(() => rm(folder, { recursive: true }));

const endOf = (certificate: X509Certificate): number => certificate.validToDate.getTime() / 1000;

describe('the certificate of a worker', () => {
  it('names it by a URI with its UID and by no DNS name, for a server, with the CA behind it', async () => {
    const { root, servers } = makeServers();
    await mount(servers, root);
    const key = generateKeyPair();
    const chain = await createIssuer().signWorker(key, worker);
    const leaf = new X509Certificate(chain);
    expect(leaf.subjectAltName).toBe(`URI:buildkit://${clusterFqdn}/ns/tenant-a/worker/w/uid/${worker.uid}`);
    expect(leaf.keyUsage).toEqual([serverAuth]);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(new X509Certificate(servers.certificate).publicKey)).toBe(true);
    expect(chain.endsWith(servers.certificate)).toBe(true);
    expect(endOf(leaf)).toBe(nowSeconds + workerLeafTtlSeconds);
  });

  it('never outlives the CA', async () => {
    const { root, servers } = makeServers();
    await mount(servers, root);
    const caEnd = endOf(new X509Certificate(servers.certificate));
    clockMs = (caEnd - 60) * 1000;
    expect(endOf(new X509Certificate(await createIssuer().signWorker(generateKeyPair(), worker)))).toBe(caEnd);
  });
});

describe('the certificates of a gateway', () => {
  it('name it by DNS to clients, and by the URI of its pool to workers, which trust the CA of that pool', async () => {
    const { root, servers } = makeServers();
    await mount(servers, root);
    const issuer = createIssuer();
    const hostnames = ['pool.tenant-a.svc', 'localhost'];
    const server = new X509Certificate(
      await issuer.signGatewayServer(generateKeyPair(), { hostnames, organization: 'Builds', ttlSeconds: 3600 }),
    );
    expect(server.subjectAltName).toBe('DNS:pool.tenant-a.svc, DNS:localhost');
    expect(server.subject).toContain('O=Builds');
    expect(server.keyUsage).toEqual([serverAuth]);
    expect(endOf(server)).toBe(nowSeconds + 3600);
    const poolCa = issuer.makePoolCa(pool.uid);
    const client = new X509Certificate(issuer.signGatewayClient(generateKeyPair(), pool, poolCa));
    expect(client.subjectAltName).toBe(`URI:buildkit://${clusterFqdn}/ns/tenant-a/pool/pool/uid/${pool.uid}`);
    expect(client.keyUsage).toEqual([clientAuth]);
    expect(client.verify(new X509Certificate(poolCa.certificate).publicKey)).toBe(true);
    expect(client.verify(new X509Certificate(issuer.makePoolCa(pool.uid).certificate).publicKey)).toBe(false);
    expect(endOf(client)).toBe(nowSeconds + gatewayLeafTtlSeconds);
  });
});

describe('nothing is signed', () => {
  it('while no CA is mounted', async () => {
    await expect(createIssuer().signWorker(generateKeyPair(), worker)).rejects.toThrow('ENOENT');
    await expect(createIssuer().readRoots()).rejects.toThrow('ENOENT');
  });

  it('by a CA that no root of the bundle has signed', async () => {
    await mount(makeServers().servers, makeServers().root);
    await expect(createIssuer().signWorker(generateKeyPair(), worker)).rejects.toThrow(
      'CA for servers: expected one signed by a root of ca.crt',
    );
  });

  it('by a CA that has ended, of servers or of a pool', async () => {
    const { root, servers } = makeServers();
    await mount(servers, root);
    const issuer = createIssuer();
    const poolCa = issuer.makePoolCa(pool.uid);
    clockMs += (intermediateCaTtlSeconds + 1) * 1000;
    const ended = 'CA: expected one that is valid now, got one that has ended';
    await expect(issuer.signWorker(generateKeyPair(), worker)).rejects.toThrow(ended);
    clockMs += 11 * 365 * 24 * 3600 * 1000;
    expect(() => issuer.signGatewayClient(generateKeyPair(), pool, poolCa)).toThrow(ended);
  });

  it('with a key that is not the one of the CA', async () => {
    const [{ root, servers }, other] = [makeServers(), makeServers()];
    await mount({ ...servers, key: other.servers.key }, root);
    await expect(createIssuer().signWorker(generateKeyPair(), worker)).rejects.toThrow();
  });
});
