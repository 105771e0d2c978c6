import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSignedBy, makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { webhookCaTtlSeconds, webhookLeafTtlSeconds, webhookOverlapSeconds } from '../../../api/limits/authority.ts';
import { makeWebhookRootProfile } from '../../../core/certificates/profile.ts';
import { ensureAuthority } from '../../../functions/authority/ensure.ts';
import type { AuthorityPorts } from '../../../functions/authority/ports.ts';
import { createWorld, dataOf, day, names, run, start } from './world.ts';

const ca = 'buildkit-webhook-ca';
const tls = 'buildkit-webhook-tls';

describe('the authority', () => {
  it('makes CAs that know nothing of each other, and a serving certificate', async () => {
    const { makePorts, world, takeLog, read } = createWorld();
    await run(makePorts(start));
    const [clients, webhooks, leaf] = ['buildkit-root-ca', ca, tls].map((name) => new X509Certificate(read(name)));
    expect([clients?.subject, webhooks?.subject, leaf?.subject]).toEqual([
      'CN=buildkit-controller root',
      'CN=buildkit-controller webhook root',
      'CN=buildkit-webhooks',
    ]);
    expect([clients?.ca, webhooks?.ca, leaf?.ca]).toEqual([true, true, false]);
    expect(isSignedBy(read(tls), read(ca))).toBe(true);
    expect(isSignedBy(read(tls), read('buildkit-root-ca'))).toBe(false);
    expect(leaf?.subjectAltName).toBe('DNS:buildkit-webhooks.buildkit-system.svc, IP Address:127.0.0.1, DNS:localhost');
    expect(leaf?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(world.bundle).toBe(read(ca));
    expect(takeLog()).toEqual([
      { message: 'Secret created', secret: 'buildkit-root-ca' },
      { message: 'trust bundle written', configMap: 'buildkit-trust-bundle' },
      { message: 'Secret created', secret: 'buildkit-client-ca' },
      { message: 'Secret created', secret: 'buildkit-server-ca' },
      { message: 'Secret created', secret: ca },
      { message: 'CA bundle written', path: '/apis/a-crd' },
      { message: 'Secret created', secret: tls },
      { message: 'Secret created', secret: 'buildkit-api-tls' },
    ]);
  });

  it('changes nothing when it runs again, until half of the life of the certificate', async () => {
    const { makePorts, snapshot, secrets } = createWorld();
    await run(makePorts(start));
    const before = snapshot();
    await run(makePorts(start));
    expect(snapshot()).toEqual(before);
    await run(makePorts(start + webhookLeafTtlSeconds / 2 - day));
    for (const name of [ca, tls]) expect(secrets.get(name)).toBe(before.secrets.get(name));
  });

  it('makes one CA when it runs twice at once', async () => {
    const { makePorts, world, read } = createWorld();
    const outcomes = await Promise.allSettled([run(makePorts(start)), run(makePorts(start))]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(world.bundle).toBe(read(ca));
    expect(isSignedBy(read(tls), read(ca))).toBe(true);
  });

  it.each([webhookLeafTtlSeconds / 2, webhookLeafTtlSeconds + day])(
    'renews the certificate from the same CA after %d s',
    async (seconds) => {
      const { makePorts, world, takeLog, read } = createWorld();
      await run(makePorts(start));
      const [oldCa, oldLeaf] = [read(ca), read(tls)];
      takeLog();
      await run(makePorts(start + seconds));
      expect([read(ca), world.bundle]).toEqual([oldCa, oldCa]);
      expect(read(tls)).not.toBe(oldLeaf);
      expect(isSignedBy(read(tls), oldCa)).toBe(true);
      expect(takeLog()).toContainEqual({ message: 'webhook certificate renewed', secret: tls });
    },
  );

  it('renews the certificate when it lacks a name', async () => {
    const { makePorts, read } = createWorld();
    await ensureAuthority(makePorts(start), ['localhost']);
    await ensureAuthority(makePorts(start), ['localhost', '127.0.0.1', 'elsewhere']);
    expect(new X509Certificate(read(tls)).subjectAltName).toContain('DNS:elsewhere');
  });
});

describe('the webhook CA at half of its life', () => {
  const half = start + webhookCaTtlSeconds / 2;

  /** Runs at these moments; after each: which CAs are trusted, and which signed the certificate. */
  async function play(times: readonly number[]): Promise<string[]> {
    const { makePorts, world, read } = createWorld();
    await run(makePorts(start));
    const letters = new Map<string, string>();
    const name = (pem: string): string => {
      if (!letters.has(pem)) letters.set(pem, 'abc'.charAt(letters.size));
      return letters.get(pem) ?? '';
    };
    const states: string[] = [];
    for (const time of times) {
      await run(makePorts(time));
      const trusted = world.bundle.split(/(?<=-----END CERTIFICATE-----\n)/);
      const issuer = trusted.find((certificate) => isSignedBy(read(tls), certificate)) ?? '';
      states.push(`${trusted.map(name).join('+')}, served by ${name(issuer)}`);
    }
    return states;
  }

  it('is replaced with overlap by daily runs: trusted, then served, then alone', async () => {
    expect(await play([half - day, half, half + day, half + 2 * day, half + 3 * day])).toEqual([
      'a, served by a',
      'a+b, served by a',
      'a+b, served by b',
      'b, served by b',
      'b, served by b',
    ]);
  });

  it('waits an hour between the steps, however often it runs', async () => {
    const hour = webhookOverlapSeconds;
    expect(await play([half, half + 60, half + hour, half + hour + 60, half + 2 * hour])).toEqual([
      'a+b, served by a',
      'a+b, served by a',
      'a+b, served by b',
      'a+b, served by b',
      'b, served by b',
    ]);
  });

  it('does not sign before a run has found it trusted', async () => {
    const { makePorts, world, read } = createWorld();
    await run(makePorts(start));
    const old = read(ca);
    const failing = makePorts(half);
    await expect(
      run({
        ...failing,
        writeCaBundle: (pem) =>
          pem === old ? failing.writeCaBundle(pem) : Promise.reject(new Error('apiserver unreachable')),
      }),
    ).rejects.toThrow('apiserver unreachable');
    await run(makePorts(half + day));
    expect(world.bundle).toBe(old + read(ca, 'next.crt'));
    expect(read(ca)).toBe(old);
    await run(makePorts(half + 2 * day));
    expect(read(ca, 'previous.crt')).toBe(old);
    expect(isSignedBy(read(tls), read(ca))).toBe(true);
  });

  it('signs the certificate in a later run when the one that replaced the CA broke off', async () => {
    const { makePorts, world, read } = createWorld();
    await run(makePorts(start));
    await run(makePorts(half));
    const breaking = makePorts(half + day);
    const changeSecret: AuthorityPorts['changeSecret'] = (name, stored, data) =>
      name === tls ? Promise.reject(new Error('conflict')) : breaking.changeSecret(name, stored, data);
    await expect(run({ ...breaking, changeSecret })).rejects.toThrow('conflict');
    expect(isSignedBy(read(tls), read(ca, 'previous.crt'))).toBe(true);
    await run(makePorts(half + 2 * day));
    expect(isSignedBy(read(tls), read(ca))).toBe(true);
    expect(world.bundle).toBe(read(ca, 'previous.crt') + read(ca));
  });

  it('is left alone by a run that read it before another wrote', async () => {
    const { makePorts, read } = createWorld();
    await run(makePorts(start));
    const outcomes = await Promise.allSettled([run(makePorts(half)), run(makePorts(half))]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(read(ca, 'next.crt')).not.toBe('');
  });
});

describe('what stands already is an error, and is kept, when', () => {
  const webhookRoot = makeRoot(makeWebhookRootProfile, start);
  const leaf = makeWebhookLeaf(webhookRoot, names, start);
  const other = makeWebhookLeaf(makeRoot(makeWebhookRootProfile, start), names, start);
  const longAgo = makeRoot(makeWebhookRootProfile, 1_000);

  it.each<[string, Record<string, Record<string, string>>, string]>([
    [
      'a certificate is not PEM',
      { [ca]: { 'tls.crt': 'x', 'tls.key': webhookRoot.key } },
      `Secret ${ca}: certificate: expected exactly one in PEM`,
    ],
    [
      'a certificate is broken',
      { [ca]: { 'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n', 'tls.key': webhookRoot.key } },
      `Secret ${ca}: certificate: expected PEM, got something else`,
    ],
    [
      'a key is broken',
      { [ca]: { 'tls.crt': webhookRoot.certificate, 'tls.key': 'x' } },
      `Secret ${ca}: key: expected PEM, got something else`,
    ],
    [
      'a key is of another',
      { [ca]: { 'tls.crt': webhookRoot.certificate, 'tls.key': leaf.key } },
      `Secret ${ca}: key: expected the one of the certificate, got another`,
    ],
    [
      'a key is missing',
      { [ca]: { 'tls.crt': webhookRoot.certificate } },
      `Secret ${ca}: expected tls.crt and tls.key`,
    ],
    ['a CA is none', { [ca]: dataOf(leaf) }, `Secret ${ca}: certificate: expected a CA, got an end entity`],
    [
      'a CA has ended',
      { [ca]: dataOf(longAgo) },
      `Secret ${ca}: certificate: expected one that is valid now, got one that has ended`,
    ],
    [
      'the next CA lacks its key',
      { [ca]: { ...dataOf(webhookRoot), 'next.crt': webhookRoot.certificate } },
      `Secret ${ca}: expected next.crt and next.key, or neither`,
    ],
    [
      'the next CA is none',
      { [ca]: { ...dataOf(webhookRoot), 'next.crt': 'x', 'next.key': 'x' } },
      `Secret ${ca}: certificate: expected exactly one in PEM`,
    ],
    [
      'the leaf is of another CA',
      { [ca]: dataOf(webhookRoot), [tls]: dataOf(other) },
      `Secret ${tls}: certificate: expected one signed by the webhook CA`,
    ],
    [
      'the CA of the leaf is gone',
      { [tls]: dataOf(leaf) },
      `Secret ${ca}: expected the CA of Secret ${tls}, got none: restore it from a backup, or, to begin anew, delete Secret ${tls} too`,
    ],
  ])('%s', async (_, stored, message) => {
    const { makePorts, store, snapshot } = createWorld();
    for (const [name, data] of Object.entries(stored)) store(name, data);
    const before = snapshot();
    await expect(run(makePorts(start))).rejects.toThrow(new Error(message));
    expect(snapshot()).toEqual(before);
  });

  it('it cannot be read', async () => {
    const { makePorts, secrets } = createWorld();
    const failing = { ...makePorts(start), getSecret: () => Promise.reject(new Error('forbidden')) };
    await expect(run(failing)).rejects.toThrow(new Error('forbidden'));
    expect(secrets.size).toBe(0);
  });
});
