/** Fields of the three kinds. Each limit has its unit in its name and its reason above it. */

/** `<namespace>/<pool>`: 63 + 1 + 52 characters. */
export const maxPoolReferenceLength = 116;

/** `<pool>-gateway-<hash>` must stay a DNS label of 63 characters. */
export const maxPoolNameLength = 52;

/** No quantity that means something is longer. */
export const maxQuantityLength = 64;

/** Nine digits of a second and an offset are 35 characters. */
export const maxTimeLength = 35;

/** What load balancers and ingresses read of annotations are words and short lists. */
export const maxAnnotations = 64;
export const maxAnnotationLength = 4096;

/** CPU, memory, and a few of a node's own. */
export const maxResources = 16;

/** `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128`. */
export const maxCidrLength = 43;

/** Five fields of lists; nobody reads a longer one. */
export const maxCronLength = 256;

/** DNS name, RFC 1035. */
export const maxHostnameLength = 253;

/** A registry, a path of 255, a tag of 128 and a digest fit several times. */
export const maxImageLength = 1024;

/** buildkitd.toml: the longest that means something is a page. */
export const maxBuildkitConfigLength = 65_536;

/** Tables and lists of buildkitd.toml nest four deep. */
export const maxTomlDepth = 16;

/** DNS label, RFC 1123. */
export const maxNamespaceLength = 63;

/** Kubernetes: a DNS subdomain of 253, a slash and a name of 63. */
export const maxLabelKeyLength = 317;
export const maxLabelValueLength = 63;

/** DNS subdomain, RFC 1123: what Kubernetes allows for most object names. */
export const maxObjectNameLength = 253;

/** Each is asked at every connection; who revokes more than this closes the pool to all with `revokedBefore`. */
export const maxRevokedPrincipals = 256;

/** Issuers of a pool: each may cost a network call when a token is verified. */
export const maxInlineIssuers = 16;
export const maxConfigRefs = 16;

/** All of them are compared with every token; more kinds of callers than this are several configs. */
export const maxBoundClaims = 16;
export const maxBoundClaimValues = 16;

/** What an issuer names its claims and puts into them: a URL as name, a path of a repository and branch as value. */
export const maxClaimNameLength = 256;
export const maxClaimValueLength = 1024;

/** Longest name of a principal, in UTF-16 code units: of a ServiceAccount, or of an OIDC user with its config. */
export const maxPrincipalLength = 1024;

/** A rule is compared with every request: thousands belong in RBAC. */
export const maxClientRules = 64;

/** Workers a pool scales to when `scaling.max` is absent. */
export const defaultMaxWorkers = 10;

/** From 1.33 on Pods have user namespaces, in which workers run, without a feature gate. */
export const minKubernetesMinor = 33;

/**
 * A spec as JSON in UTF-8. The maxima of single fields can't say it: each fits an ordinary use, and all of them at once
 * would be megabytes, which every part that lists objects has to read.
 */
export const maxSpecBytes = 65_536;
