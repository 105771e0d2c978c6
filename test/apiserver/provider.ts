/** A real OpenID provider on loopback, over https with a CA of its own. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const exec = promisify(execFile);
const clientSecret = 'a secret of nobody';

export interface RunningProvider {
  readonly issuer: string;
  /** A token that says what is asked, by the grant of client credentials. */
  readonly getToken: (client: string, audience: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Makes a CA in the folder and serves by it: `ca.crt` is what others need to know. */
export async function startProvider(folder: string, clients: readonly string[]): Promise<RunningProvider> {
  await makeServerCertificate(folder);
  const [cert, key, ca] = await Promise.all(
    ['server.crt', 'server.key', 'ca.crt'].map((file) => readFile(join(folder, file))),
  );
  const server = createServer({ cert, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: clients.map((id) => ({
      client_id: id,
      client_secret: clientSecret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    })),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'first' }] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ project_id: 4711, pools: ['build', 'narrow'] }),
  });
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  return {
    issuer,
    getToken: async (client, audience) => await requestToken({ issuer, client, audience, ca }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function makeServerCertificate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'server.ext'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const openssl = (...args: string[]) => exec('openssl', args, { cwd: folder });
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=issuers', '-keyout', 'ca.key', '-out', 'ca.crt');
  await openssl('req', ...newKey.slice(0, -2), '-subj', '/CN=issuer', '-keyout', 'server.key', '-out', 'server.csr');
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'server.ext'];
  await openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.crt');
}

interface Asked {
  readonly issuer: string;
  readonly client: string;
  readonly audience: string;
  readonly ca: Buffer | undefined;
}

async function requestToken({ issuer, client, audience, ca }: Asked): Promise<string> {
  const sent = request(`${issuer}/token`, {
    method: 'POST',
    ...(ca === undefined ? {} : { ca }),
    auth: `${client}:${encodeURIComponent(clientSecret)}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  sent.end(String(new URLSearchParams({ grant_type: 'client_credentials', resource: audience })));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const said = await text(answer);
  const { access_token: token } = JSON.parse(said) as { access_token?: string };
  if (token === undefined) throw new Error(`expected a token of the provider, got ${said}`);
  return token;
}
