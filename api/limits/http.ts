/** Every server of the project. Each limit has its unit in its name and its reason above it. */

import { maxTokenBytes } from './tokens.ts';

/** A token, a pool list and a CSR fit many times over; nothing else belongs in a request. */
export const maxRequestBodyBytes = 64 * 1024;

/** What is missing is back within seconds, or needs a person. */
export const retryAfterSeconds = 2;

/** The kubelet rewrites a mounted Secret about once a minute; both pairs are valid for long after that. */
export const tlsReloadMs = 10_000;

/** The longest token in one header, and room for the others. */
export const maxHeaderBytes = maxTokenBytes + 16 * 1024;

/**
 * A client that sends slower than this holds a connection for nothing, and gets 408. The largest body, 32 MiB, comes
 * within it at 30 Mbit/s. An apiserver gives up an admission review after 5 s by itself; a conversion, for which it waits
 * 30 s, may come late because others are converted.
 */
export const headersTimeoutMs = 10_000;
export const requestTimeoutMs = 10_000;

/** How often those that are too slow are looked for: they hold a connection for so much longer. */
export const slowRequestCheckMs = 1_000;

/** A connection with TLS takes up to 100 kB: a third of the memory of a Pod. Beyond it the longest idle one is closed. */
export const maxConnections = 1_024;

/** Connections that the kernel holds until we take them; Linux takes no more. Beyond it clients try again after a second. */
export const maxWaitingConnections = 4_096;

/** One address may be all of a proxy's clients, or of a node's Pods; it still leaves room for every other. */
export const maxConnectionsPerAddress = maxConnections / 2;

/** Whoever has more to ask asks within seconds; who asks no more holds its connection for nothing. */
export const clientKeepAliveMs = 5_000;

/** Knative's proxies keep idle connections for 90 s, and lose a request where we end one of them first. */
export const proxyKeepAliveMs = 100_000;
