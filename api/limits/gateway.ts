/** The data path: gateways, their clients and their workers. Each limit has its unit in its name and its reason above it. */
import { maxCertificateTtlSeconds } from './certificates.ts';

/** A full handshake takes 30 ms of CPU at the worst, and three round trips; a client that needs longer drips. */
export const handshakeTimeoutMs = 10_000;

/** The specification's TLVs included (2.2): a proxy that sends more is none that is known. */
export const maxProxyHeaderBytes = 536;

/** A refused client hears why at its first request, which both clients send at once. */
export const refusalTimeoutMs = 10_000;

/** What clients send before a worker answers fits: HTTP/2 lets them send 65,535 bytes of data and some headers. */
export const maxHeldBytes = 64 * 1024;

/** A load balancer may cut what is silent for 50 s, and a client that is gone should be missed soon. */
export const holdPingMs = 10_000;

/** A build sends some bytes every 5 s, and a client that waits answers a PING every 10 s. */
export const idleTimeoutMs = 120_000;

/** Who has closed one half has nothing more to say; the last bytes of the other half need no longer. */
export const halfCloseTimeoutMs = 30_000;

/** No certificate lives longer, so no connection outlives what it was let in by more than once. */
export const maxConnectionLifetimeMs = maxCertificateTtlSeconds * 1000;

/** How often deadlines are looked at: each is late by so much at most. */
export const deadlineCheckMs = 1_000;

/** A worker in the same cluster answers within milliseconds; one that is gone costs this much before it is asked for anew. */
export const workerConnectTimeoutMs = 5_000;

/** A worker that a lease names and nobody reaches for so long will not come back: its client hears so. */
export const workerUnreachableMs = 30_000;

/** Between two questions for a worker that is being made; its route arrives by the watch as soon as it is known. */
export const leasePollMs = 1_000;

/** `allocation` may be asleep, and wakes within seconds. */
export const leaseCallTimeoutMs = 30_000;

/** Calls by which gateways renew, report and tick. */
export const gatewayCallTimeoutMs = 10_000;

/** A worker may be made from nothing in this time, image and all; whoever waits longer waits for nothing. */
export const maxWaitForWorkerMs = 15 * 60_000;

/**
 * What RBAC takes away is found at the next renewal, as RBAC sends no events, and connections are cut within 10 s. A lease is
 * over 120 s after its last renewal, so many of them may be lost.
 */
export const leaseRenewMs = 8_000;

/** 120 s, and a renewal that is answered without a write may count from 10 s before it (`minRenewalAgeMs`). */
export const leaseFenceMs = 110_000;

/** Counters change with every connection; the status of the pool need not. */
export const minReportPeriodMs = 1_000;

/** A tick that changed nothing is repeated no more often than this. */
export const minTickPeriodMs = 10_000;

/** Node's timers know no longer delay (2^31-1 ms). */
export const maxTimerMs = 2_147_483_647;

/** A client that never reads: what Node, OpenSSL and the kernel hold of it and its worker (measured 1.2 to 1.4 MB). */
export const maxConnectionBytes = 1_500_000;

/** Node with the gateway in it and nothing open (measured 60 MB), and what a garbage collection leaves for later. */
export const gatewayBaseBytes = 96_000_000;

/** Handshakes under way, half-open or dripping, beside the connections that are let in: some 50 kB each. */
export const maxHandshakes = 512;
export const handshakeBytes = 60_000;

/** Where no memory limit says how many fit. */
export const defaultMaxConnections = 1_024;

/** Between the end of a Pod's readiness and the last connection that a proxy still sends to it. */
export const drainListenMs = 5_000;

/** Below the grace of the Pod, 3600 s, so that what is left ends with a log line. */
export const maxDrainMs = 3_590_000;

/** CSRs of workers that wait for `lifecycle` at once: who comes while there are so many asks again within seconds. */
export const maxRelayedKeys = 32;

/** Below the time that a worker waits for its answer, so that it hears one. */
export const relayedKeysTimeoutMs = 25_000;

/** One record of TLS. */
export const recordBytes = 16 * 1024;

/** Answers of the functions are far smaller; a route for each of a thousand leases fits. */
export const maxGatewayAnswerBytes = 1024 * 1024;

/** gRPC's clients print it on one line of a terminal; longer ones would be cut by servers in between. */
export const maxRefusalBytes = 1_024;

/** From the wait of nobody to a worker that is made from nothing. */
export const waitSecondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
