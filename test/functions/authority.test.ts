import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkRoot, checkWebhookLeaf, makeRoot, makeWebhookLeaf } from '../../adapters/x509/authorities.ts';
import { makeClientRootProfile, makeWebhookRootProfile } from '../../core/certificates/profile.ts';
import { ensureAuthority, type AuthorityPorts, type Pair } from '../../functions/authority/ensure.ts';

const nowSeconds = 1_800_000_000;

function createWorld() {
  const secrets = new Map<string, Pair>();
  const bundles: string[] = [];
  const logged: object[] = [];
  const ports: AuthorityPorts = {
    getSecret: (name) => Promise.resolve(secrets.get(name)),
    createSecret: (name, pair) => {
      if (secrets.has(name)) return Promise.resolve(false);
      secrets.set(name, pair);
      return Promise.resolve(true);
    },
    makeClientRoot: () => makeRoot(makeClientRootProfile, nowSeconds),
    makeWebhookRoot: () => makeRoot(makeWebhookRootProfile, nowSeconds),
    makeWebhookLeaf: (ca, names) => makeWebhookLeaf(ca, names, nowSeconds),
    checkRoot: (root) => {
      checkRoot(root, nowSeconds);
    },
    checkWebhookLeaf: (leaf, ca, names) => {
      checkWebhookLeaf(leaf, ca, names, nowSeconds);
    },
    writeCaBundle: (pem) => {
      bundles.push(pem);
      return Promise.resolve(['/apis/a-crd']);
    },
    log: { info: (fields, message) => void logged.push({ ...fields, message }) },
  };
  const read = (name: string) => new X509Certificate(secrets.get(name)?.certificate ?? '');
  return { ports, secrets, bundles, logged, read };
}

const names = ['127.0.0.1', 'localhost'];

describe('the authority', () => {
  it('makes two CAs that know nothing of each other, and a serving certificate', async () => {
    const { ports, bundles, logged, read, secrets } = createWorld();
    await ensureAuthority(ports, names);
    const [clients, webhooks, leaf] = ['buildkit-ca', 'buildkit-webhook-ca', 'buildkit-webhook-tls'].map(read);
    expect([clients?.subject, webhooks?.subject, leaf?.subject]).toEqual([
      'CN=buildkit-controller client root',
      'CN=buildkit-controller webhook root',
      'CN=buildkit-webhooks',
    ]);
    expect([clients?.ca, webhooks?.ca, leaf?.ca]).toEqual([true, true, false]);
    expect(webhooks && leaf?.verify(webhooks.publicKey)).toBe(true);
    expect(clients && leaf?.verify(clients.publicKey)).toBe(false);
    expect(leaf?.subjectAltName).toBe('DNS:buildkit-webhooks.buildkit-system.svc, IP Address:127.0.0.1, DNS:localhost');
    expect(leaf?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(bundles).toEqual([secrets.get('buildkit-webhook-ca')?.certificate]);
    expect(logged).toEqual([
      { message: 'Secret created', secret: 'buildkit-ca' },
      { message: 'Secret created', secret: 'buildkit-webhook-ca' },
      { message: 'Secret created', secret: 'buildkit-webhook-tls' },
      {
        message: 'CA bundle written',
        path: '/apis/a-crd',
      },
    ]);
  });

  it('changes nothing when it runs again', async () => {
    const { ports, secrets } = createWorld();
    await ensureAuthority(ports, names);
    const before = new Map(secrets);
    await ensureAuthority(ports, names);
    expect(secrets).toEqual(before);
  });

  it('makes one CA when it runs twice at once', async () => {
    const { ports, secrets, bundles } = createWorld();
    await Promise.all([ensureAuthority(ports, names), ensureAuthority(ports, names)]);
    expect(new Set(bundles).size).toBe(1);
    const leaf = secrets.get('buildkit-webhook-tls');
    const ca = secrets.get('buildkit-webhook-ca');
    expect(() => {
      if (leaf && ca) ports.checkWebhookLeaf(leaf, ca, names);
    }).not.toThrow();
  });
});

describe('what stands already is an error, and is kept, when', () => {
  const root = makeRoot(makeClientRootProfile, nowSeconds);
  const leaf = makeWebhookLeaf(root, ['localhost'], nowSeconds);
  const longAgo = makeRoot(makeClientRootProfile, 1_000);
  const otherCa = makeRoot(makeWebhookRootProfile, nowSeconds);

  it.each<[string, string, Pair, string]>([
    [
      'a certificate is not PEM',
      'buildkit-ca',
      { certificate: 'x', key: root.key },
      'certificate: expected exactly one in PEM',
    ],
    [
      'a certificate is broken',
      'buildkit-ca',
      { certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n', key: root.key },
      'certificate: expected PEM, got something else',
    ],
    [
      'a key is broken',
      'buildkit-ca',
      { certificate: root.certificate, key: 'x' },
      'key: expected PEM, got something else',
    ],
    [
      'a key is of another',
      'buildkit-ca',
      { certificate: root.certificate, key: leaf.key },
      'key: expected the one of the certificate, got another',
    ],
    ['a CA is none', 'buildkit-ca', leaf, 'certificate: expected a CA, got an end entity'],
    ['a CA has ended', 'buildkit-ca', longAgo, 'certificate: expected one that is valid now, got one that has ended'],
    [
      'the leaf is of another CA',
      'buildkit-webhook-tls',
      makeWebhookLeaf(otherCa, names, nowSeconds),
      'certificate: expected one signed by the webhook CA',
    ],
  ])('%s', async (_, name, pair, message) => {
    const { ports, secrets } = createWorld();
    secrets.set(name, pair);
    await expect(ensureAuthority(ports, names)).rejects.toThrow(new Error(`Secret ${name}: ${message}`));
    expect(secrets.get(name)).toBe(pair);
  });

  it('the leaf lacks a name', async () => {
    const { ports } = createWorld();
    await ensureAuthority(ports, ['localhost']);
    await expect(ensureAuthority(ports, ['localhost', '127.0.0.1', 'elsewhere'])).rejects.toThrow(
      new Error('Secret buildkit-webhook-tls: certificate: expected it to name 127.0.0.1, elsewhere'),
    );
  });

  it('it cannot be read', async () => {
    const { ports, secrets } = createWorld();
    const failing = { ...ports, getSecret: () => Promise.reject(new Error('forbidden')) };
    await expect(ensureAuthority(failing, names)).rejects.toThrow(new Error('forbidden'));
    expect(secrets.size).toBe(0);
  });
});
