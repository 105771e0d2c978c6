/** Objects that lifecycle makes. Each limit has its unit in its name and its reason above it. */

/** A worker is drained when it is this old, and its Pod may then finish a build: buildkitd reads its certificate once. */
export const maxWorkerAgeMs = 24 * 60 * 60_000;
export const workerLeafTtlSeconds = 3 * 24 * 60 * 60;

/** A gateway renews its certificates at two thirds of their life, while it serves. */
export const gatewayLeafTtlSeconds = 24 * 60 * 60;

/** It signs for one pool and goes with it. Every worker of the pool trusts it and nothing else, so it is never replaced. */
export const poolCaTtlSeconds = 10 * 365 * 24 * 60 * 60;

/** Two CSRs at their largest, and names. */
export const maxKeysBodyBytes = 32 * 1024;

/** One CSR at its largest, and a name. */
export const maxWorkerKeysBodyBytes = 10 * 1024;

/** The kubelet renews a projected token at 80 % of its life; this is the least that the apiserver gives. */
export const podTokenSeconds = 600;

/** A build may run for an hour after its worker or gateway is told to end. */
export const podGraceSeconds = 3600;

/** An image that can't be pulled may be there a moment later: a registry that is busy, a tag that is being pushed. */
export const imagePullPatienceMs = 2 * 60_000;

/** A cluster autoscaler adds a node within a few minutes, or says that it will not. */
export const schedulingPatienceMs = 10 * 60_000;

/** buildkitd answers in 0.2 s; a slow disk or a busy node takes longer. */
export const startPatienceSeconds = 300;

/** What a worker keeps where its pool says nothing: an emptyDir of the node's disk. */
export const defaultWorkerVolume = '20Gi';

/** Of the volume: what one build writes before garbage is collected fits beside it. */
export const keptShareOfVolume = 0.8;

/** What is known of the routes changes with every lease: gateways watch the ConfigMap, so it is written this often. */
export const minRoutesPeriodMs = 1_000;

/** One name. */
export const maxTickBodyBytes = 1024;

/** What a gateway takes without connections, and what one connection takes at most, with a client that never reads. */
export const gatewayBaseBytes = 128 * 1024 * 1024;
export const gatewayConnectionBytes = 1.5 * 1024 * 1024;

/** Fewer connections than this make no gateway, whatever its limit on memory is. */
export const minGatewayConnections = 16;

/** Somebody may want to read why a Pod failed before the next takes its name; a fault that stays costs a Pod a minute. */
export const failedPodMs = 60_000;

/** A lifecycle that sleeps is awake within seconds; the Pod fails after that, which its worker's condition shows. */
export const maxKeysWaitMs = 120_000;
export const keysRequestTimeoutMs = 30_000;

/** A yes to who builds counts so long between two events of its lease: renewals ask every time. */
export const reviewCacheMs = 15_000;

/** A yes takes some 300 bytes. */
export const maxRememberedReviews = 4_096;
