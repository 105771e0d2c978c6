/** Calls to the apiserver. Each limit has its unit in its name and its reason above it. */

/** One call to the apiserver: it answers within this, or is not well. */
export const kubeCallTimeoutMs = 4_000;

/** Somebody who asks for readiness in a loop costs the apiserver one call in this time. */
export const reachabilityCacheMs = 1_000;

/** The kubelet renews a token when a fifth of its life is left, minutes at least; reading it at every call costs a file. */
export const accountCacheMs = 10_000;

/** No answer that we ask for comes near it; what is larger would be held three times: as bytes, as text, as objects. */
export const maxAnswerBytes = 64 * 1024 * 1024;

/** An object has at most 1.5 MiB in etcd, and may take more as JSON. */
export const maxObjectBytes = 8 * 1024 * 1024;

/** A stale resourceVersion is read and tried again this many times before the sender is told 503. */
export const maxApplyAttempts = 4;

/** Objects per page of a LIST. */
export const listPageSize = 100;

/**
 * Bytes per page of a LIST: as text and as objects it takes about five times as much, for a moment. Objects of ordinary
 * size, of 3 KiB, come nowhere near it; of those of a tenant who fills annotations (256 KiB each) a page holds few.
 */
export const maxListPageBytes = 2 * 1024 * 1024;

/** The apiserver ends a watch after this long; bookmarks arrive about once a minute, so a healthy one is never silent. */
export const watchTimeoutSeconds = 290;

/** A watch that is still open this long after its end was due has lost its connection. */
export const watchGraceMs = 15_000;
