/** Issues client certificates from the CA that is mounted as files. */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caFileMemoryMs } from '../../api/limits.ts';
import type { IssuedCertificate, IssueRequest } from '../../core/certificates/issued.ts';
import { makeClientProfile } from '../../core/certificates/profile.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { issue, loadSigner, makeSerial, type Signer } from './signer.ts';

export interface ClientIssuerOptions {
  /** Folder with `tls.crt` and `tls.key`, as a Pod mounts a kubernetes.io/tls Secret. */
  readonly caFolder: string;
  readonly clusterFqdn: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Ca {
  readonly signer: Signer;
  /** PEM. */
  readonly certificate: string;
}

/** The issuer throws Error while there is no CA that can sign; the files are then read again at the next request. */
export function createClientIssuer(
  options: ClientIssuerOptions,
): (request: IssueRequest) => Promise<IssuedCertificate> {
  const { caFolder, now } = options;
  let held: { readonly ca: Promise<Ca>; readonly untilMs: number } | undefined;

  async function findCa(): Promise<Ca> {
    if (held === undefined || held.untilMs <= now()) held = { ca: readCa(caFolder), untilMs: now() + caFileMemoryMs };
    try {
      return await held.ca;
    } catch (error) {
      held = undefined;
      throw error;
    }
  }

  return async (request) => issueFrom(await findCa(), request, options);
}

async function readCa(folder: string): Promise<Ca> {
  const [certificate, key] = await Promise.all([
    readFile(join(folder, 'tls.crt'), 'utf8'),
    readFile(join(folder, 'tls.key'), 'utf8'),
  ]);
  return { signer: loadSigner({ certificate, key }), certificate };
}

function issueFrom(
  { signer, certificate }: Ca,
  { principal, pools, ttlSeconds }: IssueRequest,
  { clusterFqdn, now }: ClientIssuerOptions,
): IssuedCertificate {
  const profile = makeClientProfile({
    clusterFqdn,
    pools,
    principalHash: hash('sha256', principal),
    serial: makeSerial(),
    nowSeconds: Math.floor(now() / 1000),
    ttlSeconds,
    issuerNotAfter: signer.notAfter,
  });
  if (!profile.ok) throw new Error('client CA: expected one that is valid now, got one that has ended');
  const pair = generateKeyPair();
  return {
    caCert: certificate,
    clientCert: toPem('CERTIFICATE', issue(signer, profile.value, pair)),
    clientKey: toPem('PRIVATE KEY', pair.privateKey),
    serial: profile.value.serial.toHex().toUpperCase(),
    subjectKeyId: pair.keyId.toHex().toUpperCase(),
    notAfter: profile.value.notAfter,
  };
}
