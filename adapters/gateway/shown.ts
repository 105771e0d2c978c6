/** What a client showed in its handshake, as facts. */
import { hash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ShownCertificate } from '../../core/gateway/client.ts';

export interface Shown extends ShownCertificate {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of the CA that the client showed with it. */
  readonly issuer: Uint8Array | undefined;
  /** SHA-256 of it, hexadecimal. */
  readonly hash: string;
  /** Hexadecimal. */
  readonly serial: string;
}

/** Undefined where no certificate came. */
export function readShown(socket: TLSSocket): Shown | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  // A code of OpenSSL, whatever its type says; null where there is none.
  const fault: unknown = socket.authorizationError;
  return {
    isVerified: socket.authorized,
    fault: typeof fault === 'string' ? fault : undefined,
    uris: readUriNames(certificate.subjectAltName ?? ''),
    notBeforeMs: certificate.validFromDate.getTime(),
    certificate: certificate.raw,
    issuer: certificate.issuerCertificate?.raw,
    hash: hash('sha256', certificate.raw),
    serial: certificate.serialNumber,
  };
}

/**
 * The URI SANs, from the text in which Node shows the names of a certificate.
 *
 * Undecided names are kept as they are written, so that none of them reads like a URI: a certificate that has any other
 * name than URIs has one more name here, which is no URI of ours.
 */
const readUriNames = (subjectAltName: string): string[] =>
  splitNames(subjectAltName).map((name) => (name.startsWith('URI:') ? unquote(name.slice('URI:'.length)) : name));

/** Node quotes, as JSON, what holds a comma or a quote, so that what is not quoted has none of them. */
const splitNames = (text: string): string[] =>
  text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];

function unquote(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
