/** The names in a certificate that TLS has verified. */
import { err, ok, type Result } from '../../core/result.ts';
import { constructed, primitive, TAG } from './der-reader.ts';
import * as read from './der-reader.ts';
import { GENERAL_NAME, OID } from './oids.ts';

/**
 * The URIs of the SAN of a certificate in DER; none where it has none. They are read from the bytes, since the text that
 * libraries print of a SAN has rules of quoting of its own. The error is that of a certificate that is not DER.
 */
export function readUris(certificate: Uint8Array): Result<readonly string[], string> {
  try {
    return ok(findNames(certificate).map(({ content }) => utf8.decode(content)));
  } catch (error) {
    return err(`certificate: expected X.509 in DER, got ${(error as Error).message}`);
  }
}

function findNames(certificate: Uint8Array): read.Element[] {
  const [signed] = read.readInside(read.readElement(certificate), TAG.sequence);
  const field = read.readInside(signed, TAG.sequence).find(({ tag }) => tag === constructed(3));
  if (field === undefined) return [];
  const [list] = read.readInside(field, constructed(3));
  const extensions = read.readInside(list, TAG.sequence).map(read.readExtension);
  const names = extensions.filter(({ id }) => id === OID.subjectAltName);
  if (names.length > 1) throw new read.DerError('two lists of names');
  return names
    .flatMap(({ value }) => read.readInside(read.readElement(value), TAG.sequence))
    .filter(({ tag }) => tag === primitive(GENERAL_NAME.uri));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
