/** OpenID Connect Discovery 1.0, as far as keys need it: which URLs may be asked, and what a document must say. No I/O. */
import { maxIssuerKeys } from '../../api/limits/issuers.ts';
import { isJsonObject, member, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { isPublicUrl } from './issuer.ts';

/** `document`: what came is not what the standard asks for. */
export type DocumentFault = 'document' | 'other_issuer' | 'insecure_url';

/** https; no userinfo, query or fragment. Section 4: the issuer with the well-known path appended. */
export function discoveryUrl(issuer: string, mayBePrivate: boolean): Result<URL, 'insecure_url'> {
  return parseFetchUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, mayBePrivate);
}

export function parseFetchUrl(text: string, mayBePrivate: boolean): Result<URL, 'insecure_url'> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return err('insecure_url');
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) return err('insecure_url');
  return mayBePrivate || isPublicUrl(text) ? ok(url) : err('insecure_url');
}

/** Where the keys are. The document must be the issuer's own (section 4.3). */
export function readDiscovery(text: string, issuer: string, mayBePrivate: boolean): Result<URL, DocumentFault> {
  const document = parseJson(text);
  if (document === undefined) return err('document');
  if (document['issuer'] !== issuer) return err('other_issuer');
  const uri = document['jwks_uri'];
  if (typeof uri !== 'string') return err('document');
  const url = parseFetchUrl(uri, mayBePrivate);
  // Keys that anybody on the way could replace would make the issuer's TLS worthless.
  return url.ok && url.value.protocol === 'http:' && issuer.startsWith('https:') ? err('insecure_url') : url;
}

/** JWK Set (RFC 7517, 5). */
export function readKeySet(text: string): Result<readonly JsonObject[], 'document'> {
  const keys = member(parseJson(text), 'keys');
  return Array.isArray(keys) && keys.length <= maxIssuerKeys ? ok(keys.filter(isJsonObject)) : err('document');
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
