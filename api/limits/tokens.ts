/** Bearer tokens and their authentication. Each limit has its unit in its name and its reason above it. */

/** Larger bearer tokens than this are refused before they are parsed. */
export const maxTokenBytes = 16 * 1024;

/** Claims of real issuers are nested two or three deep; Kubernetes' own are three. */
export const maxTokenDepth = 8;

/** Thumbprints have 43 characters, and URLs have been seen; a megabyte of a name must not be compared with every key. */
export const maxKeyIdLength = 256;

/** Clocks of issuers and ours differ by seconds; a minute is what other verifiers allow. */
export const maxClockSkewSeconds = 60;

/** With what stands before it, it fits where principals are revoked by name, and in a review. */
export const maxUserValueLength = 512;

/** A token of an issuer that hundreds of tenants name as well is not verified hundreds of times. */
export const maxVerifications = 16;

/** An authentication may be remembered this long, never longer. */
export const authenticationCacheMs = 10_000;

/** Each is some 500 bytes: the memory stays under 2 MiB whatever is sent. */
export const maxRememberedAuthentications = 4_096;
