/** OIDC issuers, their discovery documents and their keys. Each limit has its unit in its name and its reason above it. */

/** Configs are read again after this: whoever switches one off waits no longer. */
export const issuerCacheMs = 10_000;

/** A document with more keys is none of a serious issuer, and each could be tried. */
export const maxIssuerKeys = 64;

/** Keys that were withdrawn by an issuer are gone here by then, wherever it can be asked. */
export const issuerKeysCacheMs = 10 * 60_000;

/**
 * Where too much is under way here to ask for them anew: tenants with slow issuers must not close those of others, and a
 * key that was withdrawn must not live for ever by that.
 */
export const issuerKeysBusyCacheMs = 60 * 60_000;

/** Unknown key ids come with every new key, and with every forged token: this often is enough for the former. */
export const issuerRefetchMs = 30_000;

/**
 * Discovery and keys each, with the name of the host: an issuer that is slower keeps its own users waiting, and nobody
 * else, since all that was begun for it ends then but lookups of private names, see `maxSystemLookups`.
 */
export const issuerTimeoutMs = 5_000;

/** Of private issuers: a lookup by the system cannot be given up, and libuv has four threads for all of them. */
export const maxSystemLookups = 2;

/** Documents of the large issuers are below 20 KiB. */
export const maxIssuerDocumentBytes = 1024 * 1024;

/** Fetches under way at once: what tenants' issuers may hold, a few for each namespace. */
export const maxParallelFetches = 32;
export const maxParallelFetchesPerNamespace = 4;

/** Keys of some kilobytes each, of configs that come and go: under 20 MiB whatever tenants make. */
export const maxRememberedIssuers = 1_024;

/** More issuers than a tenant has pools for: above it, its own keys go, and none is asked more often for that. */
export const maxRememberedIssuersPerNamespace = 64;
