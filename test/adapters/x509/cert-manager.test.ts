/** A CA that is signed as cert-manager is asked to, and what our own code says of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { inspectIntermediate, isForCluster } from '../../../adapters/x509/authorities.ts';
import { createClientIssuer } from '../../../adapters/x509/client-issuer.ts';

const root = join(import.meta.dirname, '../../..');
const clusterFqdn = 'production.example.com';

interface Certificate {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

const read = (name: string): object => {
  const text = readFileSync(join(root, 'manifests/components/cert-manager/intermediates.yaml'), 'utf8');
  const found = parseAllDocuments(text.replace('[cluster-fqdn]', `[${clusterFqdn}]`))
    .map((document) => document.toJS() as Certificate)
    .find(({ kind, metadata }) => kind === 'Certificate' && metadata.name === name);
  return found?.spec ?? {};
};

interface Signed {
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
}

const hasGo = ((): boolean => {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasGo)('what cert-manager signs (it needs Go)', () => {
  let folder: string;
  let sign: (spec: object) => Signed;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cert-manager-'));
    const program = join(folder, 'sign');
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
    execFileSync('go', ['build', '-o', program, '.'], { cwd: join(root, 'test/go/cert-manager'), env, stdio: 'pipe' });
    sign = (spec) => JSON.parse(execFileSync(program, { input: JSON.stringify(spec) }).toString()) as Signed;
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('as the CA for clients issues certificates for this cluster', async () => {
    const ca = sign(read('buildkit-client-ca'));
    const files = { 'tls.crt': ca.certificate, 'tls.key': ca.key, 'ca.crt': ca.root };
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const pool = { namespace: 'tenant', name: 'pool', uid: '11111111-1111-4111-8111-111111111111' };
    const request = { principal: 'someone', trustDomain: 'd', pools: [pool], ttlSeconds: 3600, issuedAtMs: Date.now() };
    const issued = await createClientIssuer({ caFolder: folder, clusterFqdn, now: Date.now })(request);
    expect(issued).toMatchObject({ ok: true, value: { caCert: ca.root } });
  });

  it('as the CA for clients may sign for no other cluster', () => {
    const { certificate } = sign(read('buildkit-client-ca'));
    expect([clusterFqdn, 'other.example.com'].map((fqdn) => isForCluster(certificate, fqdn))).toEqual([true, false]);
  });

  it('as the CA for servers is one below the root', () => {
    const ca = sign(read('buildkit-server-ca'));
    expect(() => inspectIntermediate(ca, [ca.root])).not.toThrow();
  });
});
