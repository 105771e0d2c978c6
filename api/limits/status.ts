/** Status of pools: events, recomputes and resyncs. Each limit has its unit in its name and its reason above it. */

/** CloudEvents carry one whole object, on which etcd sets 1.5 MiB. */
export const maxEventBodyBytes = 2 * 1024 * 1024;

/** A right that was taken away is missed by then: RBAC sends no events. */
export const maxReviewAgeMs = 15 * 60_000;

/** Events can get lost, and rights are reviewed when somebody asks: everything is looked at this often. */
export const resyncPeriodMs = 5 * 60_000;

/** Calls that one recompute of a pool makes at once: other pools are recomputed beside it. */
export const maxParallelWorkerCalls = 8;

/** Pools recomputed at once in a resync: enough to hide latency, few enough to leave the apiserver to others. */
export const maxParallelRecomputes = 8;

/** Whoever may send events may ask for everything again and again; a resync of thousands of pools takes seconds. */
export const minResyncPeriodMs = 30_000;

/** Knative's queue-proxy gives up a request after 30 s: what is left of them is for the resync itself. */
export const maxResyncWaitMs = 15_000;

/** All calls of one resync together: when it takes longer, its caller has gone, and the next begins soon. */
export const maxResyncMs = 25_000;

/** Which pools list an OIDC config is seen by a LIST of all pools alone: a tenant who changes one all the time pays no more. */
export const configTouchPeriodMs = 1_000;

/**
 * Namespaces in which the workers of a pool are listed one by one: above it, one LIST of the whole cluster is asked for. It
 * looks at every worker there is, which takes the apiserver as long as 8 of these at 10,000 workers.
 */
export const maxListedNamespaces = 2;

/** What the last run of a pool saw takes some 300 bytes: what is forgotten costs a LIST of the whole cluster. */
export const maxRememberedPools = 20_000;

/** What a sender is told to wait before it sends an event again. */
export const eventRetryAfterSeconds = 1;

/** A status is applied in 16 ms with 50 of them and in 89 ms with 300; no pool needs more Pods of its gateway. */
export const maxGatewayInstances = 50;

/** Five numbers and names. */
export const maxReportBodyBytes = 4 * 1024;
