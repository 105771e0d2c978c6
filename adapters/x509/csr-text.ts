/** Certification requests as text: in PEM as tools write it (RFC 7468), or in base64. */
import type { CsrFault } from '../../core/certificates/issued.ts';
import { err, ok, type Result } from '../../core/result.ts';

const fault = (expected: string, got: string): Result<never, CsrFault> => err({ expected, got });

/**
 * The DER. In base64 without boundaries it is DER, or the whole PEM, which is how Kubernetes'
 * CertificateSigningRequest wants it.
 */
export function decodeCsrText(text: string): Result<Uint8Array, CsrFault> {
  if (text.includes(boundary)) return decodePem(text);
  const bytes = decodeBase64(text);
  if (!bytes.ok) return bytes;
  const inner = latin1.decode(bytes.value);
  return inner.includes(boundary) ? decodePem(inner) : bytes;
}

const boundary = '-----BEGIN ';
const latin1 = new TextDecoder('latin1');

/** The second one is what old tools write (RFC 7468, 7). */
const labels: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

/** RFC 7468, 3, the lax form: boundaries stand on lines of their own, and white space anywhere in what is between. */
const begin = /^[ \t\uFEFF]*-----BEGIN (?<label>[^-\r\n]{0,64})-----[ \t]*$/gm;

/** One block; what stands around it is for people (RFC 7468, 2), as `openssl req -text` writes it. */
function decodePem(text: string): Result<Uint8Array, CsrFault> {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const [block, ...more] = lines.matchAll(begin);
  const label = block?.groups?.['label'];
  if (block === undefined || label === undefined) {
    const isEscaped = lines.includes('\\n');
    return fault('a PEM boundary on a line of its own', isEscaped ? 'line breaks written as \\n' : 'none');
  }
  if (more.length > 0) return fault('one PEM block', `${more.length + 1}`);
  if (!labels.includes(label)) return fault('a PEM block CERTIFICATE REQUEST', JSON.stringify(label));
  const rest = lines.slice(block.index + block[0].length);
  const end = new RegExp(`^[ \\t]*-----END ${label}-----[ \\t]*$`, 'm').exec(rest);
  if (end === null) return fault(`-----END ${label}----- on a line of its own`, 'none');
  const content = rest.slice(0, end.index);
  if (content.includes(':')) return fault('base64 between the PEM boundaries', 'header fields (RFC 1421)');
  return decodeBase64(content);
}

function decodeBase64(text: string): Result<Uint8Array, CsrFault> {
  try {
    return ok(Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' }));
  } catch {
    return fault('PEM or base64', 'something else');
  }
}
