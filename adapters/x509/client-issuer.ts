/** Issues client certificates from the CA that is mounted as files, and hands out the trust bundle beside it. */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caFileMemoryMs } from '../../api/limits.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import type { IssuedCertificate, IssueRequest } from '../../core/certificates/issued.ts';
import { makeClientProfile } from '../../core/certificates/profile.ts';
import { isForCluster, isSignedBy } from './authorities.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { issue, loadSigner, makeSerial, type Signer } from './signer.ts';

export interface ClientIssuerOptions {
  /** Folder with `tls.crt` and `tls.key` of the CA that signs and `ca.crt`, the roots to trust, as a Pod mounts them. */
  readonly caFolder: string;
  readonly clusterFqdn: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Ca {
  readonly signer: Signer;
  /** PEM, as is the other. */
  readonly certificate: string;
  readonly bundle: string;
}

/** The issuer throws Error while there is no CA that can sign; the files are then read again at the next request. */
export function createClientIssuer(
  options: ClientIssuerOptions,
): (request: IssueRequest) => Promise<IssuedCertificate> {
  const { now } = options;
  let held: { readonly ca: Promise<Ca>; readonly untilMs: number } | undefined;

  async function findCa(): Promise<Ca> {
    if (held === undefined || held.untilMs <= now()) held = { ca: loadCa(options), untilMs: now() + caFileMemoryMs };
    try {
      return await held.ca;
    } catch (error) {
      held = undefined;
      throw error;
    }
  }

  return async (request) => issueFrom(await findCa(), request, options);
}

/** The files are exchanged while they are read, now and then: what does not fit together is read once more. */
const loadCa = (options: ClientIssuerOptions): Promise<Ca> => readCa(options).catch(() => readCa(options));

async function readCa({ caFolder, clusterFqdn }: ClientIssuerOptions): Promise<Ca> {
  const read = (name: string): Promise<string> => readFile(join(caFolder, name), 'utf8');
  const [certificate, key, bundle] = await Promise.all([read('tls.crt'), read('tls.key'), read('ca.crt')]);
  const signer = loadSigner({ certificate, key });
  // Who trusts the bundle must be able to verify what is signed.
  if (!splitBundle(bundle).some((root) => isSignedBy(certificate, root))) {
    throw new Error('certificate: expected one signed by a root of ca.crt');
  }
  if (!isForCluster(certificate, clusterFqdn)) throw new Error(`certificate: expected a CA for ${clusterFqdn} alone`);
  return { signer, certificate, bundle };
}

function issueFrom(
  { signer, certificate, bundle }: Ca,
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
    caCert: bundle,
    clientCert: toPem('CERTIFICATE', issue(signer, profile.value, pair)) + certificate,
    clientKey: toPem('PRIVATE KEY', pair.privateKey),
    serial: profile.value.serial.toHex().toUpperCase(),
    subjectKeyId: pair.keyId.toHex().toUpperCase(),
    notAfter: profile.value.notAfter,
  };
}
