/** Leases of workers. Each limit has its unit in its name and its reason above it. */

/** A client that left comes back within it: `buildx inspect --bootstrap` ends its connection after 20 s, then builds. */
export const leaseDurationSeconds = 120;

/** What was renewed so recently is not written again: every gateway that has connections of a lease renews it. */
export const minRenewalAgeMs = 10_000;

/** A call is held so long for a worker that is being made: a gateway gives a call up after 30 s. */
export const maxLeaseWaitMs = 20_000;

/** Between two looks at a worker that is being made. */
export const leaseLookMs = 500;

/** Steps of one call until somebody else's writes have met it at every one: then it is tried again, from the start. */
export const maxLeaseSteps = 60;

/** A certificate with the longest names in base64 and what stands beside it; leases by the thousand. */
export const maxLeaseBodyBytes = 256 * 1024;

/** A worker that failed is followed by another after so long, doubled with each that failed. */
export const minReplacementMs = 10_000;
export const maxReplacementMs = 5 * 60_000;

/** Reviews of one renewal that run at once: other calls are answered beside it. */
export const maxParallelRenewals = 16;

/** A worker is drained when it is this old, and a build that runs there ends first: buildkitd reads its certificate once. */
export const maxWorkerAgeMs = 24 * 60 * 60_000;

/** Where `workers.scaling.idleTimeout` is absent: the next job of a pipeline finds its caches. */
export const defaultIdleTimeoutMs = 5 * 60_000;

/** A worker that failed is kept so long for a person to look at, then replaced. */
export const failedWorkerMs = 60_000;

/** Gateways race for the next lease of a certificate: each try meets the leases that were made before. */
export const maxChosenLeases = 16;
