/** Whether a token was signed with a key of its issuer (RFC 7515, 5.2). */
import type { webcrypto } from 'node:crypto';
import { compactVerify, errors, importJWK, type CryptoKey } from 'jose';
import { maxRsaBits, minRsaBits } from '../../api/limits/certificates.ts';
import { isPassing } from '../../core/oidc/fetch-fault.ts';
import type { SignatureCheck } from '../../core/oidc/identify.ts';
import { selectKey, type PublicJwk } from '../../core/oidc/key.ts';
import type { TrustedIssuer } from '../../core/oidc/trusted-issuer.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Algorithm, ParsedToken } from '../../core/tokens/parse.ts';
import type { IssuerKeys, KeySet } from './keys.ts';

/** A key that is not among those remembered is asked for anew, as seldom as `IssuerKeys` does. */
export const createSignatureVerifier =
  (keys: IssuerKeys) =>
  async (token: ParsedToken, issuer: TrustedIssuer): Promise<SignatureCheck> => {
    const check = await verifyByOne(await keys.read(issuer), token);
    return check === 'other_key' ? toFinal(await verifyByOne(await keys.readAnew(issuer), token)) : check;
  };

const toFinal = (check: SignatureCheck | 'other_key'): SignatureCheck => (check === 'other_key' ? 'bad' : check);

/** `other_key`: the set has no key of the id that the token names. */
export async function verifyByOne(keys: KeySet, token: ParsedToken): Promise<SignatureCheck | 'other_key'> {
  if (!keys.ok) return isPassing(keys.error) ? 'unknown' : 'bad';
  const jwk = selectKey(keys.value, token);
  if (jwk === 'unknown') return 'other_key';
  if (jwk === 'none') return 'bad';
  const key = await recallKey(keys.value, jwk, token.algorithm);
  return key !== undefined && (await isSignedWith(key, token)) ? 'good' : 'bad';
}

async function isSignedWith(key: CryptoKey, { algorithm, text }: ParsedToken): Promise<boolean> {
  try {
    await compactVerify(text, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

/** Keys as the cryptography takes them, for as long as their set is remembered: to import one costs more than a look. */
const imported = new WeakMap<readonly JsonObject[], Map<string, Promise<CryptoKey | undefined>>>();

function recallKey(set: readonly JsonObject[], jwk: PublicJwk, algorithm: Algorithm): Promise<CryptoKey | undefined> {
  const known = imported.get(set) ?? new Map<string, Promise<CryptoKey | undefined>>();
  imported.set(set, known);
  const name = `${algorithm} ${JSON.stringify(jwk)}`;
  const key = known.get(name) ?? importKey(jwk, algorithm);
  known.set(name, key);
  return key;
}

/** Undefined for a key that is none, too weak, or so large that it costs too much. */
async function importKey(jwk: PublicJwk, algorithm: Algorithm): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK(jwk, algorithm);
    return key instanceof Uint8Array || !isSane(key.algorithm) ? undefined : key;
  } catch {
    return undefined;
  }
}

/** Of an RSA key, whose numbers nobody else looks at: a modulus that can be trusted and paid for, an odd exponent from 3. */
function isSane(algorithm: CryptoKey['algorithm']): boolean {
  if (!('modulusLength' in algorithm)) return true;
  const { modulusLength, publicExponent } = algorithm as webcrypto.RsaKeyAlgorithm;
  const exponent = BigInt(`0x${publicExponent.toHex()}`);
  return modulusLength >= minRsaBits && modulusLength <= maxRsaBits && exponent > 2n && exponent % 2n === 1n;
}
