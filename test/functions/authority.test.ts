import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  inspectRoot,
  inspectWebhookLeaf,
  isSignedBy,
  makeRoot,
  makeWebhookLeaf,
} from '../../adapters/x509/authorities.ts';
import { webhookCaTtlSeconds, webhookLeafTtlSeconds, webhookOverlapSeconds } from '../../api/limits.ts';
import { makeClientRootProfile, makeWebhookRootProfile } from '../../core/certificates/profile.ts';
import {
  ensureAuthority,
  type AuthorityPorts,
  type Pair,
  type StoredSecret,
} from '../../functions/authority/ensure.ts';

const start = 1_800_000_000;
const day = 24 * 60 * 60;

const dataOf = ({ certificate, key }: Pair) => ({ 'tls.crt': certificate, 'tls.key': key });

/** An apiserver with Secrets and one CA bundle. */
function createWorld() {
  const secrets = new Map<string, StoredSecret>();
  const logged: object[] = [];
  const world = { bundle: '', revision: 0 };
  const store = (name: string, data: Readonly<Record<string, string>>) =>
    secrets.set(name, { data, resourceVersion: String(++world.revision) });
  const makePorts = (now: number): AuthorityPorts => ({
    now,
    getSecret: (name) => Promise.resolve(secrets.get(name)),
    createSecret: (name, data) => {
      if (secrets.has(name)) return Promise.resolve(false);
      store(name, data);
      return Promise.resolve(true);
    },
    changeSecret: (name, read, data) => {
      const found = secrets.get(name);
      if (found?.resourceVersion !== read.resourceVersion) return Promise.reject(new Error('conflict'));
      const kept = Object.entries({ ...found.data, ...data }).flatMap(([key, text]) =>
        text === null ? [] : [[key, text]],
      );
      store(name, Object.fromEntries(kept) as Record<string, string>);
      return Promise.resolve();
    },
    makeClientRoot: () => makeRoot(makeClientRootProfile, now),
    makeWebhookRoot: () => makeRoot(makeWebhookRootProfile, now),
    makeWebhookLeaf: (ca, names) => makeWebhookLeaf(ca, names, now),
    inspectRoot: (root) => inspectRoot(root, now),
    inspectLeaf: inspectWebhookLeaf,
    isSignedBy,
    writeCaBundle: (pem) => {
      if (world.bundle === pem) return Promise.resolve([]);
      world.bundle = pem;
      return Promise.resolve(['/apis/a-crd']);
    },
    log: { info: (fields, message) => void logged.push({ ...fields, message }) },
  });
  const read = (name: string, key = 'tls.crt') => secrets.get(name)?.data[key] ?? '';
  const takeLog = () => logged.splice(0);
  return { makePorts, secrets, store, world, takeLog, read };
}

const names = ['127.0.0.1', 'localhost'];
const run = (ports: AuthorityPorts) => ensureAuthority(ports, names);
const ca = 'buildkit-webhook-ca';
const tls = 'buildkit-webhook-tls';

describe('the authority', () => {
  it('makes two CAs that know nothing of each other, and a serving certificate', async () => {
    const { makePorts, world, takeLog, read } = createWorld();
    await run(makePorts(start));
    const [clients, webhooks, leaf] = ['buildkit-ca', ca, tls].map((name) => new X509Certificate(read(name)));
    expect([clients?.subject, webhooks?.subject, leaf?.subject]).toEqual([
      'CN=buildkit-controller client root',
      'CN=buildkit-controller webhook root',
      'CN=buildkit-webhooks',
    ]);
    expect([clients?.ca, webhooks?.ca, leaf?.ca]).toEqual([true, true, false]);
    expect(isSignedBy(read(tls), read(ca))).toBe(true);
    expect(isSignedBy(read(tls), read('buildkit-ca'))).toBe(false);
    expect(leaf?.subjectAltName).toBe('DNS:buildkit-webhooks.buildkit-system.svc, IP Address:127.0.0.1, DNS:localhost');
    expect(leaf?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(world.bundle).toBe(read(ca));
    expect(takeLog()).toEqual([
      { message: 'Secret created', secret: 'buildkit-ca' },
      { message: 'Secret created', secret: ca },
      { message: 'CA bundle written', path: '/apis/a-crd' },
      { message: 'Secret created', secret: tls },
    ]);
  });

  it('changes nothing when it runs again, until half of the life of the certificate', async () => {
    const { makePorts, secrets } = createWorld();
    await run(makePorts(start));
    const before = new Map(secrets);
    await run(makePorts(start));
    await run(makePorts(start + webhookLeafTtlSeconds / 2 - day));
    expect(secrets).toEqual(before);
  });

  it('makes one CA when it runs twice at once', async () => {
    const { makePorts, world, read } = createWorld();
    await Promise.all([run(makePorts(start)), run(makePorts(start))]);
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
      expect(takeLog()).toEqual([{ message: 'webhook certificate renewed', secret: tls }]);
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
  async function play(moments: readonly number[]): Promise<string[]> {
    const { makePorts, world, read } = createWorld();
    await run(makePorts(start));
    const letters = new Map<string, string>();
    const name = (pem: string): string => {
      if (!letters.has(pem)) letters.set(pem, 'abc'.charAt(letters.size));
      return letters.get(pem) ?? '';
    };
    const states: string[] = [];
    for (const moment of moments) {
      await run(makePorts(moment));
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
  const root = makeRoot(makeClientRootProfile, start);
  const leaf = makeWebhookLeaf(root, ['localhost'], start);
  const longAgo = makeRoot(makeClientRootProfile, 1_000);
  const webhookRoot = makeRoot(makeWebhookRootProfile, start);

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
      makeWebhookLeaf(webhookRoot, names, start),
      'certificate: expected one signed by the webhook CA',
    ],
  ])('%s', async (_, name, pair, message) => {
    const { makePorts, secrets, store } = createWorld();
    store(name, dataOf(pair));
    const kept = secrets.get(name);
    await expect(run(makePorts(start))).rejects.toThrow(new Error(`Secret ${name}: ${message}`));
    expect(secrets.get(name)).toBe(kept);
  });

  it.each([
    [{ 'tls.crt': root.certificate }, 'expected tls.crt and tls.key'],
    [{ ...dataOf(webhookRoot), 'next.crt': webhookRoot.certificate }, 'expected next.crt and next.key, or neither'],
    [{ ...dataOf(webhookRoot), 'next.crt': 'x', 'next.key': 'x' }, 'certificate: expected exactly one in PEM'],
  ])('the webhook CA lacks something: %#', async (data, message) => {
    const { makePorts, secrets, store, world } = createWorld();
    store(ca, data);
    await expect(run(makePorts(start))).rejects.toThrow(new Error(`Secret ${ca}: ${message}`));
    expect([secrets.get(ca)?.data, world.bundle]).toEqual([data, '']);
  });

  it('it cannot be read', async () => {
    const { makePorts, secrets } = createWorld();
    const failing = { ...makePorts(start), getSecret: () => Promise.reject(new Error('forbidden')) };
    await expect(run(failing)).rejects.toThrow(new Error('forbidden'));
    expect(secrets.size).toBe(0);
  });
});
