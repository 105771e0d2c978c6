/** Public keys of strangers: which kinds and sizes are signed for, and which are known to be weak. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { maxRsaBits, maxRsaExponentBits, minRsaBits, minRsaExponent } from '../../api/limits/certificates.ts';
import type { CsrFault } from '../../core/certificates/issued.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { TAG } from './der-reader.ts';
import * as read from './der-reader.ts';
import { OID } from './oids.ts';

export interface JudgedKey {
  readonly kind: 'rsa' | 'ec' | 'ed25519';
  readonly object: KeyObject;
  /** Content of subjectPublicKey, of which key identifiers are made. */
  readonly bits: Uint8Array;
}

/** SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). @throws {DerError} when it is not one in DER. */
export function judgePublicKey(info: read.Element): Result<JudgedKey, CsrFault> {
  const [algorithm, subjectPublicKey, ...more] = read.readInside(info, TAG.sequence);
  if (more.length > 0) throw new read.DerError('expected no further field, got one');
  const [type, ...parameters] = read.readInside(algorithm, TAG.sequence);
  const bits = read.readBitString(subjectPublicKey);
  const kind = kinds[[read.readObjectIdentifier(type), ...parameters.map(({ encoded }) => encoded.toHex())].join(' ')];
  if (kind === undefined) return refuse('RSA, P-256, P-384 or Ed25519', 'a key of another kind');
  const fault = kind.judge(bits);
  if (fault !== undefined) return err(fault);
  const object = load(info.encoded);
  return object === undefined ? refuse('a key', 'numbers that are none') : ok({ kind: kind.name, object, bits });
}

const refuse = (expected: string, got: string): Result<never, CsrFault> => err({ expected, got });

type Judge = (bits: Uint8Array) => CsrFault | undefined;

const judgePoint =
  (coordinateBytes: number): Judge =>
  (bits) =>
    bits[0] === 4 && bits.length === 1 + 2 * coordinateBytes
      ? undefined
      : { expected: 'an uncompressed point (RFC 5480, 2.2)', got: 'another form' };

/** A point of small order, under which anybody could sign anything, is refused where the signature is verified. */
const judgeEd25519: Judge = (bits) =>
  bits.length === 32 ? undefined : { expected: 'an Ed25519 key of 32 bytes', got: `${bits.length}` };

/** By AlgorithmIdentifier: the object identifier, and the parameters in hexadecimal DER. */
const kinds: Readonly<Record<string, { readonly name: JudgedKey['kind']; readonly judge: Judge }>> = {
  [`${OID.rsaEncryption} 0500`]: { name: 'rsa', judge: judgeRsa },
  [`${OID.ecPublicKey} 06082a8648ce3d030107`]: { name: 'ec', judge: judgePoint(32) },
  [`${OID.ecPublicKey} 06052b81040022`]: { name: 'ec', judge: judgePoint(48) },
  [OID.ed25519]: { name: 'ed25519', judge: judgeEd25519 },
};

/** RSAPublicKey (RFC 8017, A.1.1). */
function judgeRsa(bits: Uint8Array): CsrFault | undefined {
  const [modulusField, exponentField, ...more] = read.readInside(read.readElement(bits), TAG.sequence);
  if (more.length > 0) throw new read.DerError('expected no further field, got one');
  const [modulus, exponent] = [read.readInteger(modulusField), read.readInteger(exponentField)].map(toNumber);
  const size = modulus?.toString(2).length ?? 0;
  if (modulus === undefined || size < minRsaBits || size > maxRsaBits) {
    return { expected: `an RSA modulus of ${minRsaBits} to ${maxRsaBits} bits`, got: `${size}` };
  }
  const isSane = exponent !== undefined && exponent >= minRsaExponent && exponent < 1n << maxRsaExponentBits;
  if (!isSane || exponent % 2n === 0n) {
    return { expected: `an odd RSA exponent from ${minRsaExponent} to 2^${maxRsaExponentBits}`, got: 'another' };
  }
  // Of a product of two large primes, no small one is a factor.
  return hasSmallFactor(modulus)
    ? { expected: 'an RSA modulus of two large primes', got: 'one with a small factor' }
    : undefined;
}

const toNumber = (octets: Uint8Array): bigint => BigInt(`0x${octets.toHex() || '0'}`);

/** Of some primes at once, by one long division. */
const hasSmallFactor = (modulus: bigint): boolean =>
  primeGroups.some(({ primes, product }) => {
    const rest = Number(modulus % product);
    return primes.some((prime) => rest % prime === 0);
  });

/** The primes below 752, which NIST SP 800-89 asks to try; five of them have a product below 2^53. */
const primeGroups = makeGroups(
  Array.from({ length: 750 }, (_, index) => index + 2).filter((n) => {
    for (let divisor = 2; divisor * divisor <= n; divisor += 1) if (n % divisor === 0) return false;
    return true;
  }),
);

function makeGroups(primes: readonly number[]): readonly { primes: readonly number[]; product: bigint }[] {
  const starts = Array.from({ length: Math.ceil(primes.length / 5) }, (_, index) => index * 5);
  return starts
    .map((start) => primes.slice(start, start + 5))
    .map((group) => ({ primes: group, product: group.reduce((product, prime) => product * BigInt(prime), 1n) }));
}

/** Undefined for a point that is not on its curve. */
function load(info: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
