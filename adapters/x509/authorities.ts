/** Makes the CAs and what they sign for ourselves, and judges those that stand already. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { makeWebhookLeafProfile, type CertificateProfile } from '../../core/certificates/profile.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { createSelfSigner, issue, loadPair, loadSigner, makeSerial, type TlsPair } from './signer.ts';

type MakeProfile = (moment: { serial: Uint8Array; nowSeconds: number }) => CertificateProfile;

/** A self-signed CA with a key of its own. */
export function makeRoot(makeProfile: MakeProfile, nowSeconds: number): TlsPair {
  const profile = makeProfile({ serial: makeSerial(), nowSeconds });
  const pair = generateKeyPair();
  const certificate = issue(createSelfSigner(pair, profile), profile, pair);
  return { certificate: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', pair.privateKey) };
}

/** @throws {Error} saying why this is no self-signed CA that may sign now. */
export function checkRoot(root: TlsPair, nowSeconds: number): void {
  const signer = loadSigner(root);
  const { certificate } = loadPair(root);
  if (!certificate.verify(signer.publicKey)) throw new Error('certificate: expected one signed by itself');
  if (signer.notAfter <= nowSeconds)
    throw new Error('certificate: expected one that is valid now, got one that has ended');
}

/** A serving certificate for these DNS names and IPv4 addresses. */
export function makeWebhookLeaf(ca: TlsPair, names: readonly string[], nowSeconds: number): TlsPair {
  const profile = makeWebhookLeafProfile({ serial: makeSerial(), nowSeconds }, names);
  const pair = generateKeyPair();
  const certificate = issue(loadSigner(ca), profile, pair);
  return { certificate: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', pair.privateKey) };
}

/** @throws {Error} saying why the apiserver would not take this certificate for these names. */
export function checkWebhookLeaf(leaf: TlsPair, ca: TlsPair, names: readonly string[], nowSeconds: number): void {
  const { certificate } = loadPair(leaf);
  if (!certificate.verify(loadSigner(ca).publicKey))
    throw new Error('certificate: expected one signed by the webhook CA');
  if (certificate.validToDate.getTime() <= nowSeconds * 1000) {
    throw new Error('certificate: expected one that is valid now, got one that has ended');
  }
  const missing = names.filter((name) => !covers(certificate, name));
  if (missing.length > 0) throw new Error(`certificate: expected it to name ${missing.join(', ')}`);
}

const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
