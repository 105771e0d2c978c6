/** The pair that the function `api` serves with. */
import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeServerLeaf } from '../../../adapters/x509/authorities.ts';
import { caStatus } from '../../../api/ca-status.ts';
import { intermediateCaTtlSeconds, serverLeafTtlSeconds } from '../../../api/limits/authority.ts';
import { createWorld, dataOf, day, run, start } from './world.ts';

const tls = 'buildkit-api-tls';
const servers = 'buildkit-server-ca';

const namesIn = ({ trust }: ReturnType<typeof createWorld>['world']) =>
  caStatus.parse(JSON.parse(trust?.status ?? '')).certificates.map(({ name }) => name);

describe('the certificate of the API', () => {
  it('is verified by its Service name with the trust bundle alone, in a real handshake', async () => {
    const now = Math.floor(Date.now() / 1000);
    const world = createWorld();
    await run(world.makePorts(now));
    const server = createServer({ cert: world.read(tls), key: world.read(tls, 'tls.key') }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const servername of [
      'buildkit-api',
      'buildkit-api.buildkit-system',
      'buildkit-api.buildkit-system.svc',
      'buildkit-api.buildkit-system.svc.cluster.local',
    ]) {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: world.world.trust?.roots });
      await once(socket, 'secureConnect');
      expect(socket.authorized).toBe(true);
      socket.destroy();
    }
    server.close();
  });

  it('is renewed at half of its life, and with the CA that signs it', async () => {
    const world = createWorld();
    await run(world.makePorts(start));
    const first = world.read(tls);
    await run(world.makePorts(start + serverLeafTtlSeconds / 2 - day));
    expect(world.read(tls)).toBe(first);
    await run(world.makePorts(start + serverLeafTtlSeconds / 2));
    const second = world.read(tls);
    expect(second).not.toBe(first);
    await run(world.makePorts(start + intermediateCaTtlSeconds / 2));
    const [leaf, ca] = world.read(tls).split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(ca).toBe(world.read(servers));
    expect(new X509Certificate(leaf ?? '').verify(new X509Certificate(ca ?? '').publicKey)).toBe(true);
  });

  it('never outlives the CA that signs it', () => {
    const world = createWorld();
    const ports = world.makePorts(start);
    const ca = ports.makeIntermediate('servers', ports.makeRoot());
    const late = start + intermediateCaTtlSeconds - day;
    const { certificate } = makeServerLeaf(ca, { commonName: 'api', names: ['api'] }, late);
    expect(new X509Certificate(certificate).validTo).toBe(new X509Certificate(ca.certificate).validTo);
  });

  it("is left as it is where somebody else's CA has signed it, and not reported", async () => {
    const world = createWorld();
    const ports = world.makePorts(start);
    const own = makeServerLeaf(ports.makeWebhookRoot(), { commonName: 'api', names: ['builds.example.com'] }, start);
    await ports.createSecret(tls, dataOf(own));
    await run(world.makePorts(start));
    await run(world.makePorts(start + serverLeafTtlSeconds));
    expect(world.read(tls)).toBe(own.certificate);
    expect(namesIn(world.world)).toEqual(['root', 'clients', 'servers', 'webhooks', 'webhook-tls']);
  });

  it('is an error where the Secret holds no pair, and nothing is written then', async () => {
    const world = createWorld();
    await world.makePorts(start).createSecret(tls, { 'tls.crt': 'x', 'tls.key': '' });
    await expect(run(world.makePorts(start))).rejects.toThrow(`Secret ${tls}: expected tls.crt and tls.key`);
    expect([...world.secrets.keys()]).toEqual([tls]);
  });
});
