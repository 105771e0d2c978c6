/** Issues client certificates from the CA that is mounted as files. */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caFileMemoryMs } from '../../api/limits.ts';
import type { IssuedCertificate, IssueFault, IssueRequest, SubjectKey } from '../../core/certificates/issued.ts';
import { makeClientProfile } from '../../core/certificates/profile.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { loadSigner, makeSerial, prepare, type Issuer, type Sign } from './signer.ts';

export interface ClientIssuerOptions {
  /** Folder with `tls.crt` and `tls.key`, as a Pod mounts a kubernetes.io/tls Secret. */
  readonly caFolder: string;
  readonly clusterFqdn: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Ca {
  readonly issuer: Issuer;
  readonly sign: Sign;
  /** DER of SubjectPublicKeyInfo: nobody is certified for the key of the CA. */
  readonly publicKey: Buffer;
  /** PEM. */
  readonly certificate: string;
}

/** Rejects while there is no CA that can sign; the files are then read again at the next request. */
export type IssueClient = (request: IssueRequest) => Promise<Result<IssuedCertificate, IssueFault>>;

export function createClientIssuer(options: ClientIssuerOptions): IssueClient {
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

  return async (request) => await issueFrom(await findCa(), request, options);
}

async function readCa(folder: string): Promise<Ca> {
  const [certificate, key] = await Promise.all([
    readFile(join(folder, 'tls.crt'), 'utf8'),
    readFile(join(folder, 'tls.key'), 'utf8'),
  ]);
  const { sign, ...issuer } = loadSigner({ certificate, key });
  return {
    issuer,
    sign: (tbsCertificate) => Promise.resolve(sign(tbsCertificate)),
    publicKey: issuer.publicKey.export({ format: 'der', type: 'spki' }),
    certificate,
  };
}

async function issueFrom(
  { issuer, sign, publicKey, certificate }: Ca,
  { principal, pools, ttlSeconds, subjectKey }: IssueRequest,
  { clusterFqdn, now }: ClientIssuerOptions,
): Promise<Result<IssuedCertificate, IssueFault>> {
  if (subjectKey !== undefined && publicKey.equals(subjectKey.publicKey)) return err('issuer_key');
  const profile = makeClientProfile({
    clusterFqdn,
    pools,
    principalHash: hash('sha256', principal),
    serial: makeSerial(),
    nowSeconds: Math.floor(now() / 1000),
    ttlSeconds,
    issuerNotAfter: issuer.notAfter,
  });
  if (!profile.ok) throw new Error('client CA: expected one that is valid now, got one that has ended');
  const { subject, ...made } = subjectKey === undefined ? makeSubject() : { subject: subjectKey };
  const prepared = prepare(issuer, profile.value, subject);
  const clientCert = toPem('CERTIFICATE', prepared.complete(await sign(prepared.tbsCertificate)));
  return ok({
    caCert: certificate,
    clientCert,
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
