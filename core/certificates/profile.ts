/**
 * What the certificates of this system say, as data: who encodes them adds nothing but the issuer and the key.
 * No I/O. No clock. No randomness.
 */
import {
  intermediateCaTtlSeconds,
  rootCaTtlSeconds,
  serverLeafTtlSeconds,
  webhookCaTtlSeconds,
  webhookLeafTtlSeconds,
} from '../../api/limits/authority.ts';
import { certificateBackdateSeconds } from '../../api/limits/certificates.ts';
import { err, ok, type Result } from '../result.ts';
import { formatClientUris, type ClientIdentity } from './client-uris.ts';

export type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign';
export type ExtendedKeyUsage = 'clientAuth' | 'serverAuth';

export interface SubjectName {
  readonly kind: 'uri' | 'dns' | 'ipv4';
  readonly value: string;
}

/** RFC 5280. Key usage and basic constraints are critical; the key identifiers follow from keys and issuer. */
export interface CertificateProfile {
  /** Big-endian, positive, without leading zero bytes. */
  readonly serial: Uint8Array;
  readonly subject: { readonly organization?: string; readonly commonName: string };
  /** Seconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Present: a CA, with so many CAs below it at most. */
  readonly ca?: { readonly pathLength: number };
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
  /** Of a CA. Names constraints, critical: below it URIs are of this host, and there is no DNS name and no IP address. */
  readonly uriHost?: string;
  readonly names: readonly SubjectName[];
}

export interface ClientFacts extends ClientIdentity {
  readonly clusterFqdn: string;
  /** SHA-256 of the principal, hexadecimal. */
  readonly principalHash: string;
  readonly serial: Uint8Array;
  readonly nowSeconds: number;
  readonly ttlSeconds: number;
  /** End of the certificate that signs. */
  readonly issuerNotAfter: number;
}

/** Never outlives its issuer; an issuer that has ended signs nothing. */
export function makeClientProfile(facts: ClientFacts): Result<CertificateProfile, 'issuer_expired'> {
  if (facts.issuerNotAfter <= facts.nowSeconds) return err('issuer_expired');
  return ok({
    serial: facts.serial,
    // A label for people, of the 64 characters that RFC 5280 allows (ub-common-name).
    subject: { organization: 'buildkit-client', commonName: facts.principalHash },
    notBefore: facts.nowSeconds - certificateBackdateSeconds,
    notAfter: Math.min(facts.nowSeconds + facts.ttlSeconds, facts.issuerNotAfter),
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    names: formatClientUris(facts.clusterFqdn, facts).map((value) => ({ kind: 'uri', value })),
  });
}

interface Issuance {
  readonly serial: Uint8Array;
  readonly nowSeconds: number;
}

/** Signs intermediates, which sign no further CA. */
export const makeRootProfile = ({ serial, nowSeconds }: Issuance): CertificateProfile => ({
  ...caProfile('buildkit-controller root', 1),
  serial,
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: nowSeconds + rootCaTtlSeconds,
});

interface IntermediateFacts extends Issuance {
  readonly clusterFqdn: string;
  /** End of the root that signs. */
  readonly issuerNotAfter: number;
}

/** Signs clients of this cluster, and can sign nothing that a server could show. */
export const makeClientCaProfile = (facts: IntermediateFacts): CertificateProfile => ({
  ...caProfile('buildkit-controller clients', 0),
  ...intermediateLife(facts),
  extendedKeyUsage: ['clientAuth'],
  uriHost: facts.clusterFqdn,
});

/** Signs gateways and workers: their DNS names are the owners' choice, so none can be constrained. */
export const makeServerCaProfile = (facts: IntermediateFacts): CertificateProfile => ({
  ...caProfile('buildkit-controller servers', 0),
  ...intermediateLife(facts),
  extendedKeyUsage: ['serverAuth'],
});

const intermediateLife = ({ serial, nowSeconds, issuerNotAfter }: IntermediateFacts) => ({
  serial,
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: Math.min(nowSeconds + intermediateCaTtlSeconds, issuerNotAfter),
});

/** Served by a part of ours to whoever trusts the root. */
export const makeServerLeafProfile = (
  { serial, nowSeconds, issuerNotAfter }: Issuance & { readonly issuerNotAfter: number },
  { commonName, names }: { readonly commonName: string; readonly names: readonly string[] },
): CertificateProfile => ({
  serial,
  subject: { commonName },
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: Math.min(nowSeconds + serverLeafTtlSeconds, issuerNotAfter),
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['serverAuth'],
  names: names.map(toSubjectName),
});

/** Signs what the apiserver finds at our webhooks, and nothing else. */
export const makeWebhookRootProfile = ({ serial, nowSeconds }: Issuance): CertificateProfile => ({
  ...caProfile('buildkit-controller webhook root', 0),
  serial,
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: nowSeconds + webhookCaTtlSeconds,
});

const caProfile = (commonName: string, pathLength: number) => ({
  subject: { commonName },
  ca: { pathLength },
  keyUsage: ['keyCertSign', 'cRLSign'] as const,
  extendedKeyUsage: [],
  names: [],
});

export const makeWebhookLeafProfile = (
  { serial, nowSeconds }: Issuance,
  names: readonly string[],
): CertificateProfile => ({
  serial,
  subject: { commonName: 'buildkit-webhooks' },
  notBefore: nowSeconds - certificateBackdateSeconds,
  notAfter: nowSeconds + webhookLeafTtlSeconds,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['serverAuth'],
  names: names.map(toSubjectName),
});

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

const toSubjectName = (value: string): SubjectName => ({ kind: ipv4.test(value) ? 'ipv4' : 'dns', value });

const fqdn = /^(?=.{3,253}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** The name of this cluster in every URI: with a dot, so that two clusters of one company can differ. */
export const parseClusterFqdn = (text: string): Result<string, string> =>
  fqdn.test(text)
    ? ok(text)
    : err(`cluster FQDN: expected a lower-case DNS name with a dot, got ${JSON.stringify(text)}`);

const domain = /^(?=.{1,190}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** What the names of Services end in (kubelet's `clusterDomain`); a Service's name and namespace fit before it. */
export const parseClusterDomain = (text: string): Result<string, string> =>
  domain.test(text)
    ? ok(text)
    : err(`cluster domain: expected a lower-case DNS name of at most 190 characters, got ${JSON.stringify(text)}`);
