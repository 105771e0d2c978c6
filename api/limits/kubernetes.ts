/** Calls to the apiserver. Each limit has its unit in its name and its reason above it. */

/** One call to the apiserver: it answers within this, or is not well. */
export const kubeCallTimeoutMs = 4_000;

/** Somebody who asks for readiness in a loop costs the apiserver one call in this time. */
export const reachabilityMemoryMs = 1_000;

/** The kubelet renews a token when a fifth of its life is left, minutes at least; reading it at every call costs a file. */
export const accountTokenMemoryMs = 10_000;

/** A stale resourceVersion is read and tried again this many times before the sender is told 503. */
export const maxApplyAttempts = 4;

/** Objects per page of a LIST: what a tenant may put into annotations (256 KiB each) is held for one page only. */
export const listPageSize = 100;

/** The apiserver ends a watch after this long; bookmarks arrive about once a minute, so a healthy one is never silent. */
export const watchTimeoutSeconds = 290;

/** A watch that is still open this long after its end was due has lost its connection. */
export const watchGraceMs = 15_000;
