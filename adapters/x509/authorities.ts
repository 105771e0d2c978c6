/** Makes the CAs and what they sign for ourselves, and judges those that stand already. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { IntermediateName } from '../../core/authority/hierarchy.ts';
import type { Validity } from '../../core/authority/rotation.ts';
import {
  makeClientCaProfile,
  makeRootProfile,
  makeServerCaProfile,
  makeServerLeafProfile,
  makeWebhookLeafProfile,
  makeWebhookRootProfile,
  type CertificateProfile,
} from '../../core/certificates/profile.ts';
import { generateKeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { createSelfSigner, issue, loadPair, loadSigner, makeSerial, type TlsPair } from './signer.ts';
import { encodeNameConstraints } from './template.ts';

interface Issuance {
  readonly serial: Uint8Array;
  readonly nowSeconds: number;
}

type MakeProfile = (issuance: Issuance) => CertificateProfile;
type MakeIntermediateProfile = (
  facts: Issuance & { readonly clusterFqdn: string; readonly issuerNotAfter: number },
) => CertificateProfile;

/** A self-signed CA with a key of its own. */
export function makeRoot(makeProfile: MakeProfile, nowSeconds: number): TlsPair {
  const profile = makeProfile({ serial: makeSerial(), nowSeconds });
  const pair = generateKeyPair();
  const certificate = issue(createSelfSigner(pair, profile), profile, pair);
  return { certificate: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', pair.privateKey) };
}

/** Its validity. @throws {Error} saying why this is no self-signed CA that may sign now. */
export function inspectRoot(root: TlsPair, nowSeconds: number): Validity {
  const signer = loadSigner(root);
  const { certificate } = loadPair(root);
  if (!certificate.verify(signer.publicKey)) throw new Error('certificate: expected one signed by itself');
  if (signer.notAfter <= nowSeconds)
    throw new Error('certificate: expected one that is valid now, got one that has ended');
  return readValidity(certificate);
}

/** A CA below that root, with a key of its own. */
export function makeIntermediate(
  root: TlsPair,
  makeProfile: MakeIntermediateProfile,
  facts: { readonly clusterFqdn: string; readonly nowSeconds: number },
): TlsPair {
  const signer = loadSigner(root);
  const profile = makeProfile({ ...facts, serial: makeSerial(), issuerNotAfter: signer.notAfter });
  return sign(root, profile);
}

/** Its validity. @throws {Error} saying why the pair is no CA that one of these roots (PEM) has signed. */
export function inspectIntermediate(pair: TlsPair, roots: readonly string[]): Validity {
  loadSigner(pair);
  if (!roots.some((root) => isSignedBy(pair.certificate, root)))
    throw new Error('certificate: expected one signed by a root that is trusted');
  return readValidity(new X509Certificate(pair.certificate));
}

/** Whether a CA (PEM) may sign for this cluster, and for no other. */
export const isForCluster = (certificate: string, clusterFqdn: string): boolean =>
  new X509Certificate(certificate).raw.includes(encodeNameConstraints(clusterFqdn));

/** A serving certificate for these names, and after it the CA that signed it: whoever verifies it knows the root alone. */
export function makeServerLeaf(
  ca: TlsPair,
  { commonName, names }: { readonly commonName: string; readonly names: readonly string[] },
  nowSeconds: number,
): TlsPair {
  const issuance = { serial: makeSerial(), nowSeconds };
  const profile = makeServerLeafProfile(
    { ...issuance, issuerNotAfter: loadSigner(ca).notAfter },
    { commonName, names },
  );
  const { certificate, key } = sign(ca, profile);
  return { certificate: certificate + ca.certificate, key };
}

/** A serving certificate for these DNS names and IPv4 addresses. */
export const makeWebhookLeaf = (ca: TlsPair, names: readonly string[], nowSeconds: number): TlsPair =>
  sign(ca, makeWebhookLeafProfile({ serial: makeSerial(), nowSeconds }, names));

function sign(ca: TlsPair, profile: CertificateProfile): TlsPair {
  const pair = generateKeyPair();
  const certificate = issue(loadSigner(ca), profile, pair);
  return { certificate: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', pair.privateKey) };
}

/** Its validity, and the names it is not good for. @throws {Error} when it is no pair. */
export function inspectWebhookLeaf(
  leaf: TlsPair,
  names: readonly string[],
): Validity & { readonly missing: readonly string[] } {
  const { certificate } = loadPair(leaf);
  return { ...readValidity(certificate), missing: names.filter((name) => !covers(certificate, name)) };
}

/** Both PEM. */
export const isSignedBy = (certificate: string, ca: string): boolean =>
  new X509Certificate(certificate).verify(new X509Certificate(ca).publicKey);

/** Both PEM. */
export const hasIssuerName = (certificate: string, ca: string): boolean =>
  new X509Certificate(certificate).issuer === new X509Certificate(ca).subject;

const readValidity = ({ validFromDate, validToDate }: X509Certificate): Validity => ({
  notBefore: validFromDate.getTime() / 1000,
  notAfter: validToDate.getTime() / 1000,
});

const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;

const intermediateProfiles = { clients: makeClientCaProfile, servers: makeServerCaProfile };

/** All that the authority makes and judges, at one moment and for one cluster. */
export const createAuthorities = ({
  nowSeconds,
  clusterFqdn,
}: {
  readonly nowSeconds: number;
  readonly clusterFqdn: string;
}) => ({
  makeRoot: () => makeRoot(makeRootProfile, nowSeconds),
  makeIntermediate: (name: IntermediateName, root: TlsPair) =>
    makeIntermediate(root, intermediateProfiles[name], { clusterFqdn, nowSeconds }),
  makeServerLeaf: (ca: TlsPair, leaf: Parameters<typeof makeServerLeaf>[1]) => makeServerLeaf(ca, leaf, nowSeconds),
  makeWebhookRoot: () => makeRoot(makeWebhookRootProfile, nowSeconds),
  makeWebhookLeaf: (ca: TlsPair, names: readonly string[]) => makeWebhookLeaf(ca, names, nowSeconds),
  inspectRoot: (root: TlsPair) => inspectRoot(root, nowSeconds),
  inspectIntermediate: (name: IntermediateName, pair: TlsPair, roots: readonly string[]) => ({
    ...inspectIntermediate(pair, roots),
    isForCluster: name === 'servers' || isForCluster(pair.certificate, clusterFqdn),
  }),
  inspectLeaf: inspectWebhookLeaf,
  isSignedBy,
  hasIssuerName,
});
