/** Whether a token was signed with a key of its issuer (RFC 7515, 5.2; RFC 7518, 3). */
import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { maxRsaBits, minRsaBits } from '../../api/limits/certificates.ts';
import { isPassing } from '../../core/oidc/fetch-fault.ts';
import type { SignatureVerdict } from '../../core/oidc/identify.ts';
import { selectKey, type PublicJwk } from '../../core/oidc/key.ts';
import type { TrustedIssuer } from '../../core/oidc/trusted-issuer.ts';
import type { Algorithm, ParsedToken } from '../../core/tokens/parse.ts';
import type { IssuerKeys, KeySet } from './keys.ts';

/** A key that is not among those remembered is asked for anew, as seldom as `IssuerKeys` does. */
export const createSignatureVerifier =
  (keys: IssuerKeys) =>
  async (token: ParsedToken, issuer: TrustedIssuer): Promise<SignatureVerdict> => {
    const verdict = judge(await keys.read(issuer), token);
    return verdict === 'other_key' ? toFinal(judge(await keys.readAnew(issuer), token)) : verdict;
  };

const toFinal = (verdict: SignatureVerdict | 'other_key'): SignatureVerdict =>
  verdict === 'other_key' ? 'bad' : verdict;

function judge(keys: KeySet, token: ParsedToken): SignatureVerdict | 'other_key' {
  if (!keys.ok) return isPassing(keys.error) ? 'unknown' : 'bad';
  const jwk = selectKey(keys.value, token);
  if (jwk === 'unknown') return 'other_key';
  return jwk !== 'none' && isSignedWith(jwk, token) ? 'good' : 'bad';
}

function isSignedWith(jwk: PublicJwk, { algorithm, signed, signature }: ParsedToken): boolean {
  const key = importKey(jwk);
  return (
    key !== undefined && verify(hashes[algorithm], Buffer.from(signed), { key, ...schemeOf(algorithm) }, signature)
  );
}

const hashes: Readonly<Record<Algorithm, string | null>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  EdDSA: null,
};

function schemeOf(algorithm: Algorithm) {
  if (algorithm.startsWith('PS')) {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  // R and S side by side; DER would give one signature several spellings.
  return algorithm.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {};
}

/** Undefined for a key that is none, too weak, or so large that it costs too much. */
function importKey(jwk: PublicJwk): KeyObject | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyType !== 'rsa') return key;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isSane = modulusLength >= minRsaBits && modulusLength <= maxRsaBits;
  return isSane && publicExponent > 2n && publicExponent % 2n === 1n ? key : undefined;
}
