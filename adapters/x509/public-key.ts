/** Public keys of strangers: which kinds and sizes are signed for, and which are known to be weak. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { maxRsaBits, maxRsaExponentBits, minRsaBits, minRsaExponent } from '../../api/limits.ts';
import type { CsrFault } from '../../core/certificates/issued.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { TAG } from './der.ts';
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
  return greatestDivisor(smallPrimes, modulus % smallPrimes) === 1n
    ? undefined
    : { expected: 'an RSA modulus of two large primes', got: 'one with a small factor' };
}

const toNumber = (octets: Uint8Array): bigint => BigInt(`0x${octets.toHex() || '0'}`);

const greatestDivisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : greatestDivisor(b, a % b));

/** Product of the primes below 752, which NIST SP 800-89 asks to try. */
const smallPrimes = Array.from({ length: 750 }, (_, index) => index + 2)
  .filter((n) => !Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).some((d) => n % d === 0))
  .reduce((product, prime) => product * BigInt(prime), 1n);

function judgeEd25519(bits: Uint8Array): CsrFault | undefined {
  return bits.length === 32 && !smallOrder.has(withoutSign(bits))
    ? undefined
    : { expected: 'an Ed25519 key of 32 bytes that proves something', got: 'another' };
}

const withoutSign = (bits: Uint8Array): string =>
  Uint8Array.from(bits, (octet, index) => (index === 31 ? octet & 0x7f : octet)).toHex();

/** Points of small order, in every spelling: under such a key anybody can sign anything. */
const smallOrder: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Undefined for a point that is not on its curve. */
function load(info: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
