import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSignedBy, makeIntermediate, makeRoot } from '../../../adapters/x509/authorities.ts';
import { caStatus } from '../../../api/ca-status.ts';
import { intermediateCaTtlSeconds, rootCaTtlSeconds } from '../../../api/limits/authority.ts';
import { splitBundle } from '../../../core/authority/bundle.ts';
import { makeClientCaProfile, makeRootProfile, type CertificateProfile } from '../../../core/certificates/profile.ts';
import { clusterFqdn, createWorld, dataOf, day, Killed, run, start } from './world.ts';

const root = 'buildkit-root-ca';
const clients = 'buildkit-client-ca';
const servers = 'buildkit-server-ca';
const hour = 60 * 60;

type World = ReturnType<typeof createWorld>;

const bundleOf = ({ world }: World) => splitBundle(world.trust?.roots ?? '').map((pem) => `${pem}\n`);

describe('the first run', () => {
  it('makes a root, and two CAs below it that sign no further CA', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const [top, forClients, forServers] = [root, clients, servers].map((name) => new X509Certificate(world.read(name)));
    expect([top?.subject, forClients?.subject, forServers?.subject]).toEqual([
      'CN=buildkit-controller root',
      'CN=buildkit-controller clients',
      'CN=buildkit-controller servers',
    ]);
    expect([top?.keyUsage, forClients?.keyUsage, forServers?.keyUsage]).toEqual([
      undefined,
      ['1.3.6.1.5.5.7.3.2'],
      ['1.3.6.1.5.5.7.3.1'],
    ]);
    for (const name of [clients, servers]) expect(isSignedBy(world.read(name), world.read(root))).toBe(true);
    expect(bundleOf(world)).toEqual([world.read(root)]);
  });

  it('tells of every certificate and of no key', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const { certificates } = caStatus.parse(JSON.parse(world.world.trust?.status ?? ''));
    expect(certificates.map(({ name, role, next }) => [name, role, next?.action, next?.notBefore])).toEqual([
      ['root', 'current', 'replace', '2032-01-14T07:59:30Z'],
      ['clients', 'current', 'renew', '2027-01-30T07:59:30Z'],
      ['servers', 'current', 'renew', '2027-01-30T07:59:30Z'],
      ['api-tls', 'current', 'renew', '2027-01-22T07:59:30Z'],
      ['webhooks', 'current', 'replace', '2032-01-14T07:59:30Z'],
      ['webhook-tls', 'current', 'renew', '2027-07-16T19:59:30Z'],
    ]);
    expect(certificates[1]?.certificate).toBe(world.read(clients));
    expect(world.world.trust?.status).not.toContain('PRIVATE');
  });
});

describe('a CA below the root', () => {
  it.each([clients, servers])('%s is renewed at half of its life, by the same root', async (name) => {
    const world = createWorld();
    await run(world.makePorts(start));
    const before = world.snapshot();
    await run(world.makePorts(start + intermediateCaTtlSeconds / 2 - 60));
    expect(world.secrets.get(name)).toBe(before.secrets.get(name));
    await run(world.makePorts(start + intermediateCaTtlSeconds / 2));
    expect(world.read(name)).not.toBe(before.secrets.get(name)?.data['tls.crt']);
    expect(isSignedBy(world.read(name), world.read(root))).toBe(true);
    expect(bundleOf(world)).toEqual([world.read(root)]);
  });

  it('is made anew when its Secret is gone or has ended', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    world.secrets.delete(clients);
    await run(world.makePorts(start + 2 * intermediateCaTtlSeconds));
    for (const name of [clients, servers]) {
      const { validFromDate } = new X509Certificate(world.read(name));
      expect(validFromDate.getTime() / 1000).toBe(start + 2 * intermediateCaTtlSeconds - 60);
    }
  });

  it('is for the cluster of the new name when that changes', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const before = world.snapshot();
    await run(world.makePorts(start, { fqdn: 'prod.buildkit.internal' }));
    expect(world.read(clients)).not.toBe(before.secrets.get(clients)?.data['tls.crt']);
    expect(world.secrets.get(servers)).toBe(before.secrets.get(servers));
  });
});

/** Runs at these moments; after each: which roots are trusted, and which signed the CAs below. */
async function play(times: readonly number[], askedAt?: number): Promise<string[]> {
  const world = createWorld();
  await run(world.makePorts(start));
  const letters = new Map<string, string>();
  const letter = (pem: string): string => {
    if (!letters.has(pem)) letters.set(pem, 'abc'.charAt(letters.size));
    return letters.get(pem) ?? '';
  };
  const states: string[] = [];
  for (const time of times) {
    await run(world.makePorts(time, askedAt === undefined ? {} : { askedAt }));
    const trusted = bundleOf(world);
    const signers = [clients, servers].map((name) => trusted.find((pem) => isSignedBy(world.read(name), pem)) ?? '');
    states.push(`${trusted.map(letter).join('+')}, signed by ${[...new Set(signers)].map(letter).join(' and ')}`);
  }
  return states;
}

describe('the root', () => {
  const half = start + rootCaTtlSeconds / 2;
  const month = intermediateCaTtlSeconds;

  it('is replaced at half of its life: trusted for a day, then signing, then alone after a month', async () => {
    expect(
      await play([half - 60, half, half + day, half + 25 * hour, half + 26 * hour, half + 24 * hour + month]),
    ).toEqual([
      'a, signed by a',
      'a+b, signed by a',
      'a+b, signed by a',
      'a+b, signed by b',
      'a+b, signed by b',
      'a+b, signed by b',
    ]);
    expect(await play([half, half + 25 * hour, half + 25 * hour + month])).toEqual([
      'a+b, signed by a',
      'a+b, signed by b',
      'b, signed by b',
    ]);
  });

  it('is replaced when somebody asks, once', async () => {
    const asked = start + 100;
    const times = [50, 100, 100 + 25 * hour, 100 + 25 * hour + month, 100 + 26 * hour + month];
    expect(
      await play(
        times.map((seconds) => start + seconds),
        asked,
      ),
    ).toEqual(['a, signed by a', 'a+b, signed by a', 'a+b, signed by b', 'b, signed by b', 'b, signed by b']);
  });

  it('waits for a day from when the bundle was published, however late that was', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    world.world.writesLeft = 1;
    await expect(run(world.makePorts(half))).rejects.toThrow(Killed);
    world.world.writesLeft = Infinity;
    const before = world.read(root);
    await run(world.makePorts(half + 3 * day));
    await run(world.makePorts(half + 3 * day + 60));
    expect(world.read(root)).toBe(before);
    await run(world.makePorts(half + 3 * day + 25 * hour));
    expect(world.read(root, 'previous.crt')).toBe(before);
  });
});

describe('an install that has a CA for clients and no root', () => {
  const formerProfile = (time: { serial: Uint8Array; nowSeconds: number }): CertificateProfile => ({
    ...makeRootProfile(time),
    subject: { commonName: 'buildkit-controller client root' },
  });

  it('keeps it as the root until its last certificate has ended, so that none is lost', async () => {
    const world = createWorld();
    const former = makeRoot(formerProfile, start - day);
    world.store('buildkit-ca', dataOf(former));
    await run(world.makePorts(start));
    expect(world.read(root)).toBe(former.certificate);
    expect(bundleOf(world)).toEqual([former.certificate, world.read(root, 'next.crt')]);
    for (const name of [clients, servers]) expect(isSignedBy(world.read(name), former.certificate)).toBe(true);
    await run(world.makePorts(start + 25 * hour));
    expect(isSignedBy(world.read(clients), former.certificate)).toBe(false);
    await run(world.makePorts(start + 25 * hour + intermediateCaTtlSeconds - 1));
    expect(bundleOf(world)).toEqual([former.certificate, world.read(root)]);
    await run(world.makePorts(start + 25 * hour + intermediateCaTtlSeconds));
    expect(bundleOf(world)).toEqual([world.read(root)]);
    expect(world.secrets.get('buildkit-ca')?.data).toEqual(dataOf(former));
  });

  it('is refused when it is broken, and nothing is written', async () => {
    const world = createWorld();
    world.store('buildkit-ca', { 'tls.crt': 'x', 'tls.key': 'x' });
    await expect(run(world.makePorts(start))).rejects.toThrow(
      new Error('Secret buildkit-ca: certificate: expected exactly one in PEM'),
    );
    expect([...world.secrets.keys()]).toEqual(['buildkit-ca']);
  });
});

describe('a run is refused, and nothing is changed, when', () => {
  const other = makeRoot(makeRootProfile, start);
  const otherClients = makeIntermediate(other, makeClientCaProfile, { clusterFqdn, nowSeconds: start });

  it.each<[string, (world: World) => unknown, string]>([
    [
      'the root is lost',
      ({ secrets }) => secrets.delete(root),
      `Secret ${root}: expected the root of ConfigMap buildkit-trust-bundle, Secret ${clients}, Secret ${servers}, got none: restore it from a backup, or, to end every certificate and begin anew, delete ConfigMap buildkit-trust-bundle, Secret ${clients}, Secret ${servers} too`,
    ],
    [
      'the root is another',
      ({ store }) => store(root, dataOf(other)),
      `Secret ${clients}: certificate: expected one signed by a root that is trusted`,
    ],
    ['the root is empty', ({ store }) => store(root, {}), `Secret ${root}: expected tls.crt and tls.key`],
    [
      'the key of the root is of another',
      ({ store, read }) => store(root, { 'tls.crt': read(root), 'tls.key': other.key }),
      `Secret ${root}: key: expected the one of the certificate, got another`,
    ],
    [
      'the root is an intermediate',
      ({ store }) => store(root, dataOf(otherClients)),
      `Secret ${root}: certificate: expected one signed by itself`,
    ],
    [
      'the end of the root before is missing',
      ({ store, secrets }) => store(root, { ...secrets.get(root)?.data, 'previous.crt': other.certificate }),
      `Secret ${root}: expected previous.end`,
    ],
    [
      'the end of the root before is no time',
      ({ store, secrets }) =>
        store(root, { ...secrets.get(root)?.data, 'previous.crt': other.certificate, 'previous.end': 'soon' }),
      `Secret ${root}: previous.end: expected a time, got something else`,
    ],
    [
      'an intermediate is of another root',
      ({ store }) => store(clients, dataOf(otherClients)),
      `Secret ${clients}: certificate: expected one signed by a root that is trusted`,
    ],
    [
      'an intermediate has the key of another',
      ({ store, read }) => store(clients, { 'tls.crt': read(clients), 'tls.key': otherClients.key }),
      `Secret ${clients}: key: expected the one of the certificate, got another`,
    ],
    [
      'the bundle trusts another root',
      ({ world }) => (world.trust = { resourceVersion: '1', ...world.trust, roots: other.certificate }),
      `ConfigMap buildkit-trust-bundle: expected the root of Secret ${root}, got others: restore the Secret that belongs to it, or, where the ConfigMap is the one that is wrong, delete it to have it made anew`,
    ],
    [
      'the CA of the webhooks is broken, though a root is to be prepared',
      ({ store }) => store('buildkit-webhook-ca', {}),
      'Secret buildkit-webhook-ca: expected tls.crt and tls.key',
    ],
  ])('%s', async (_, change, message) => {
    const world = createWorld();
    await run(world.makePorts(start));
    change(world);
    const before = world.snapshot();
    await expect(run(world.makePorts(start + day, { askedAt: start + 1 }))).rejects.toThrow(new Error(message));
    expect(world.snapshot()).toEqual(before);
  });

  it('makes a new root where every trace of the old one was deleted', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const before = world.read(root);
    for (const name of [root, clients, servers]) world.secrets.delete(name);
    world.world.trust = undefined;
    await run(world.makePorts(start));
    expect(bundleOf(world)).toEqual([world.read(root)]);
    expect(world.read(root)).not.toBe(before);
  });

  it('publishes the bundle again where only the bundle was deleted', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const before = world.read(root);
    world.world.trust = undefined;
    await run(world.makePorts(start));
    expect(bundleOf(world)).toEqual([before]);
  });
});
