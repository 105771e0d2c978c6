/** Tokens made by hand, good and bad: every part of them can be what no library would write. */
import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export type SigningAlgorithm =
  'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'Ed25519';

export interface TestKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: Record<string, unknown>;
}

const makers = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  weak: () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  k256: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  ed: () => generateKeyPairSync('ed25519'),
};

export function makeKey(kind: keyof typeof makers, kid: string, members: object = {}): TestKey {
  const { privateKey, publicKey } = makers[kind]();
  return { kid, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', ...members } };
}

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs two texts as they are; `alg` says how, whatever the header claims. */
export function signText(header: string, payload: string, key: KeyObject, alg: SigningAlgorithm): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${signatureOf(text, key, alg).toString('base64url')}`;
}

export function signatureOf(text: string, key: KeyObject, alg: SigningAlgorithm): Buffer {
  const data = Buffer.from(text);
  if (alg === 'EdDSA' || alg === 'Ed25519') return sign(null, data, key);
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith('ES')) return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return sign(hash, data, { key, ...(alg.startsWith('PS') ? pss : {}) });
}

/** HS256 with any bytes as the secret. */
export function signByHmac(header: unknown, payload: unknown, secret: string | Buffer): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
