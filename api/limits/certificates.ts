/** Certificates of clients and the requests for them. Each limit has its unit in its name and its reason above it. */

/** One URI SAN per pool: at 16 the leaf stays near 4 KiB, which every TLS stack takes in one record. */
export const maxPoolsPerCertificate = 16;

/** Below, NIST SP 800-57 counts fewer than 112 bits of strength; each doubling makes a verification four times as slow. */
export const minRsaBits = 2_048;
export const maxRsaBits = 8_192;

/** Short enough to need no revocation list, long enough for most builds. */
export const defaultCertificateTtlSeconds = 60 * 60;
export const minCertificateTtlSeconds = 5 * 60;
export const maxCertificateTtlSeconds = 24 * 60 * 60;

/** Clocks of clients run behind by seconds. */
export const certificateBackdateSeconds = 60;

/** Combinations of lengths of names, of which a specimen of some 2 kB is kept: an install has a handful in use at a time. */
export const maxCertificateShapes = 256;

/** RFC 5280 allows 20 octets; 16 random octets need no counter. */
export const certificateSerialBytes = 16;

/** The request of an RSA key of 8192 bits takes 3.1 kB in PEM, and the text before it by `openssl req -text` 9 kB. */
export const maxCsrLength = 16 * 1024;

/** FIPS 186-5 asks for more than 2^16, and a long exponent makes each verification slow. */
export const minRsaExponent = 65_537n;
export const maxRsaExponentBits = 32n;

/** Reviews and reads of one request that run at once: a request for 16 pools must not crowd out the others. */
export const maxParallelPoolCalls = 4;

/** A CA that was replaced in its mount is signed with soon, without reading two files at every request. */
export const caFileCacheMs = 30_000;
