/** A real buildkitd that trusts the CA of one pool's gateways, and nobody else. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, type ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRoot } from '../../adapters/x509/authorities.ts';
import { createClientIssuer } from '../../adapters/x509/client-issuer.ts';
import { generateKeyPair } from '../../adapters/x509/keys.ts';
import { toPem } from '../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial, type TlsPair } from '../../adapters/x509/signer.ts';
import { makeRootProfile, type CertificateProfile } from '../../core/certificates/profile.ts';
import { findFreePort, startChild, type Child } from '../../dev/child.ts';
import { find } from '../../dev/control-plane/find.ts';
import { buildkit } from '../../dev/control-plane/table.ts';
import { makeClientCa, writeClientCa } from '../adapters/x509/client-ca.ts';

const clusterFqdn = 'dev.buildkit.internal';
const nowSeconds = Math.floor(Date.now() / 1000);
const isRoot = process.getuid?.() === 0 && process.platform === 'linux';

let folder: string;
let port: number;
let buildkitd: Child;
/** The CAs of the gateways of two pools: a worker of the first trusts the first alone. */
const gateways = makeRoot(makeRootProfile, nowSeconds);
const otherGateways = makeRoot(makeRootProfile, nowSeconds);
const servers = makeRoot(makeRootProfile, nowSeconds);

function makeLeaf(ca: TlsPair, change: Partial<CertificateProfile>): TlsPair {
  const pair = generateKeyPair();
  const profile: CertificateProfile = {
    serial: makeSerial(),
    subject: { commonName: 'test' },
    notBefore: nowSeconds - 60,
    notAfter: nowSeconds + 3600,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    names: [],
    ...change,
  };
  const certificate = toPem('CERTIFICATE', issue(loadSigner(ca), profile, pair));
  return { certificate, key: toPem('PRIVATE KEY', pair.privateKey) };
}

beforeAll(async () => {
  if (!isRoot) return;
  folder = await mkdtemp(join(tmpdir(), 'buildkitd-'));
  const { buildkitd: file } = await find(buildkit);
  const served = makeLeaf(servers, {
    extendedKeyUsage: ['serverAuth'],
    names: [{ kind: 'ipv4', value: '127.0.0.1' }],
  });
  const files = { 'tls.crt': served.certificate, 'tls.key': served.key, 'gateways.crt': gateways.certificate };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
  // It looks for runc when it starts and calls it when it builds, which nobody does here.
  await symlink('/bin/true', join(folder, 'runc'));
  port = await findFreePort();
  const tls = ['--tlscacert', 'gateways.crt', '--tlscert', 'tls.crt', '--tlskey', 'tls.key'];
  const worker = ['--oci-worker-net', 'host', '--containerd-worker=false', '--oci-worker-snapshotter', 'native'];
  buildkitd = await startChild({
    name: 'buildkitd',
    file,
    args: ['--root', join(folder, 'root'), '--addr', `tcp://127.0.0.1:${port}`, ...tls, ...worker],
    cwd: folder,
    log: join(folder, 'log'),
    environment: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
  });
  for (let tries = 0; tries < 100 && (await callAs(makeLeaf(gateways, {}))) !== 'served'; tries++) await sleep(100);
});

afterAll(async () => {
  if (!isRoot) return;
  await buildkitd.end();
  await rm(folder, { recursive: true, force: true });
});

/** `served` where it answers a gRPC call, ListWorkers without a filter, to the holder of this pair. */
async function callAs(
  pair: TlsPair | undefined,
  pathOfCall = '/moby.buildkit.v1.Control/ListWorkers',
): Promise<string> {
  const session = connect(`https://127.0.0.1:${port}`, {
    ca: servers.certificate,
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
  });
  try {
    return await call(session, pathOfCall);
  } catch {
    return 'refused';
  } finally {
    session.destroy();
  }
}

const call = (session: ClientHttp2Session, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.once('error', reject);
    stream.once('close', () => {
      resolve('closed');
    });
    const finish = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) resolve(headers['grpc-status'] === '0' ? 'served' : 'failed');
    };
    stream.once('response', finish);
    stream.once('trailers', finish);
    stream.resume();
    // One message of no bytes, not compressed.
    stream.end(Buffer.alloc(5));
  });

describe.skipIf(!isRoot)('a worker with the CA of its gateways (buildkitd runs as root, on Linux)', () => {
  it('serves a gateway of its pool', async () => {
    expect(await callAs(makeLeaf(gateways, {}))).toBe('served');
  });

  it('refuses a gateway of another pool', async () => {
    expect(await callAs(makeLeaf(otherGateways, {}))).toBe('refused');
  });

  it("refuses a tenant's certificate, with its chain and without, that is good for the pool itself", async () => {
    const ca = makeClientCa(clusterFqdn, nowSeconds);
    await writeClientCa(folder, ca);
    const pool = { namespace: 'tenant-a', name: 'pool', uid: '11111111-1111-4111-8111-111111111111' };
    const issuer = createClientIssuer({ caFolder: folder, clusterFqdn, now: Date.now });
    const issued = await issuer({
      principal: 'p',
      trustDomain: 'd',
      pools: [pool],
      ttlSeconds: 3600,
      issuedAtMs: Date.now(),
    });
    if (!issued.ok || issued.value.clientKey === undefined) throw new Error('expected a certificate');
    const { clientCert, clientKey, caCert } = issued.value;
    expect(await callAs({ certificate: clientCert, key: clientKey })).toBe('refused');
    expect(await callAs({ certificate: clientCert + caCert, key: clientKey })).toBe('refused');
  });

  it.each<[string, () => TlsPair | undefined]>([
    ['nobody', () => undefined],
    ['a server of ours', () => makeLeaf(servers, { extendedKeyUsage: ['serverAuth'] })],
    ["a certificate of the gateways' CA for a server", () => makeLeaf(gateways, { extendedKeyUsage: ['serverAuth'] })],
    ['a gateway whose certificate has ended', () => makeLeaf(gateways, { notAfter: nowSeconds - 1 })],
  ])('refuses %s', async (_, makePair) => {
    expect(await callAs(makePair())).toBe('refused');
  });
});
