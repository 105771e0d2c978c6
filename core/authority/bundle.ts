/** A trust bundle: certificates in PEM, one after the other. No I/O. No clock. */
const block = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?/g;

export const splitBundle = (pem: string): string[] => (pem.match(block) ?? []).map((certificate) => certificate.trim());

export const joinBundle = (certificates: readonly string[]): string =>
  certificates.map((certificate) => `${certificate.trim()}\n`).join('');
