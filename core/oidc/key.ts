/** Which keys of an issuer may have signed a token (RFC 7517, 4; RFC 7518, 3.1). No I/O. */
import type { JsonObject } from '../json.ts';
import type { Algorithm, ParsedToken } from '../tokens/parse.ts';

interface KeyKind {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv?: string;
}

const kinds: Readonly<Record<Algorithm, KeyKind>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

/** What a key may say that it is for: two names mean one algorithm (RFC 9864, 4.1.2). */
const namesOf = (algorithm: Algorithm): readonly unknown[] =>
  kinds[algorithm].kty === 'OKP' ? ['EdDSA', 'Ed25519'] : [algorithm];

/** What a verifier needs of a key, and never a private member. */
export type PublicJwk = Readonly<Record<string, string>>;

/**
 * The key, if exactly one can be meant: the one of that id, or the only one that fits where the token names none.
 * `unknown`: none of that id is there, as with keys that are newer than the set.
 */
export function selectKey(keys: readonly JsonObject[], token: ParsedToken): PublicJwk | 'unknown' | 'none' {
  const { algorithm, keyId } = token;
  const named = keyId === undefined ? keys : keys.filter(({ kid }) => kid === keyId);
  if (named.length === 0) return 'unknown';
  const [only, ...more] = named.filter((key) => isFor(algorithm, key));
  return only === undefined || more.length > 0 ? 'none' : (toPublic(only, kinds[algorithm]) ?? 'none');
}

function isFor(algorithm: Algorithm, { kty, crv, alg, use, key_ops: operations }: JsonObject): boolean {
  const kind = kinds[algorithm];
  return (
    kty === kind.kty &&
    (kind.crv === undefined || crv === kind.crv) &&
    (alg === undefined || namesOf(algorithm).includes(alg)) &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  );
}

const publicMembers: Readonly<Record<KeyKind['kty'], readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};

function toPublic(key: JsonObject, { kty }: KeyKind): PublicJwk | undefined {
  const members = publicMembers[kty].map((name) => [name, key[name]] as const);
  return members.every((entry): entry is readonly [string, string] => typeof entry[1] === 'string')
    ? Object.fromEntries(members)
    : undefined;
}
