/** Issues client certificates from the CA that is mounted as files, and hands out the trust bundle beside it. */
import { hash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caFileCacheMs } from '../../api/limits/certificates.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import type { IssuedCertificate, IssueFault, IssueRequest, SubjectKey } from '../../core/certificates/issued.ts';
import { makeClientProfile } from '../../core/certificates/profile.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isForCluster, isSignedBy } from './authorities.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { loadSigner, makeSerial, prepare, type Issuer, type Sign } from './signer.ts';

export interface ClientIssuerOptions {
  /** Folder with `tls.crt` and `tls.key` of the CA that signs and `ca.crt`, the roots to trust, as a Pod mounts them. */
  readonly caFolder: string;
  readonly clusterFqdn: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Ca {
  readonly issuer: Issuer;
  readonly sign: Sign;
  /** Its key and those of the roots, DER of SubjectPublicKeyInfo in hexadecimal: nobody is certified for one of them. */
  readonly keys: ReadonlySet<string>;
  /** PEM, as is the other. */
  readonly certificate: string;
  readonly bundle: string;
}

/** Rejects while there is no CA that can sign; the files are then read again at the next request. */
export type IssueClient = (request: IssueRequest) => Promise<Result<IssuedCertificate, IssueFault>>;

export function createClientIssuer(options: ClientIssuerOptions): IssueClient {
  const { now } = options;
  let held: { readonly ca: Promise<Ca>; readonly untilMs: number } | undefined;

  async function findCa(): Promise<Ca> {
    if (held === undefined || held.untilMs <= now()) held = { ca: loadCa(options), untilMs: now() + caFileCacheMs };
    try {
      return await held.ca;
    } catch (error) {
      held = undefined;
      throw error;
    }
  }

  return async (request) => await issueFrom(await findCa(), request, options);
}

/** The files are exchanged while they are read, now and then: what does not fit together is read once more. */
const loadCa = (options: ClientIssuerOptions): Promise<Ca> => readCa(options).catch(() => readCa(options));

async function readCa({ caFolder, clusterFqdn }: ClientIssuerOptions): Promise<Ca> {
  const read = (name: string): Promise<string> => readFile(join(caFolder, name), 'utf8');
  const [certificate, key, bundle] = await Promise.all([read('tls.crt'), read('tls.key'), read('ca.crt')]);
  const { sign, ...issuer } = loadSigner({ certificate, key });
  const roots = splitBundle(bundle);
  // Who trusts the bundle must be able to verify what is signed.
  if (!roots.some((root) => isSignedBy(certificate, root))) {
    throw new Error('certificate: expected one signed by a root of ca.crt');
  }
  if (!isForCluster(certificate, clusterFqdn)) throw new Error(`certificate: expected a CA for ${clusterFqdn} alone`);
  const keys = new Set([certificate, ...roots].map(readPublicKey));
  return { issuer, sign: (tbsCertificate) => Promise.resolve(sign(tbsCertificate)), keys, certificate, bundle };
}

const readPublicKey = (pem: string): string =>
  new X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' }).toHex();

async function issueFrom(
  { issuer, sign, keys, certificate, bundle }: Ca,
  { principal, trustDomain, pools, ttlSeconds, issuedAtMs, subjectKey }: IssueRequest,
  { clusterFqdn }: ClientIssuerOptions,
): Promise<Result<IssuedCertificate, IssueFault>> {
  if (subjectKey !== undefined && keys.has(subjectKey.publicKey.toHex())) return err('issuer_key');
  const profile = makeClientProfile({
    clusterFqdn,
    pools,
    principal,
    principalHash: hash('sha256', principal),
    domainHash: hash('sha256', trustDomain),
    serial: makeSerial(),
    nowSeconds: Math.floor(issuedAtMs / 1000),
    ttlSeconds,
    issuerNotAfter: issuer.notAfter,
  });
  if (!profile.ok) throw new Error('client CA: expected one that is valid now, got one that has ended');
  const { subject, ...made } = subjectKey === undefined ? makeSubject() : { subject: subjectKey };
  const prepared = prepare(issuer, profile.value, subject);
  const clientCert = toPem('CERTIFICATE', prepared.complete(await sign(prepared.tbsCertificate)));
  return ok({
    caCert: bundle,
    clientCert: clientCert + certificate,
    ...made,
    serial: profile.value.serial.toHex().toUpperCase(),
    subjectKeyId: subject.keyId.toHex().toUpperCase(),
    notAfter: profile.value.notAfter,
  });
}

/** A key of its own for each certificate, kept nowhere. */
function makeSubject(): { readonly subject: SubjectKey; readonly clientKey: string } {
  const pair = generateKeyPair();
  return { subject: pair, clientKey: toPem('PRIVATE KEY', pair.privateKey) };
}
