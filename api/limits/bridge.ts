/** The bridge: deliveries of CloudEvents. Each limit has its unit in its name and its reason above it. */

/** Events in flight at once from the bridge: the status function merges them, one apiserver serves them. */
export const maxParallelDeliveries = 16;

/** Of these for the objects of one namespace: a tenant who changes much delays nobody else. */
export const maxParallelDeliveriesPerNamespace = 4;

/** The function may be asleep and may run for its 30 s; longer than that no answer comes. */
export const eventDeliveryTimeoutMs = 35_000;

/** Pauses between attempts double from the first to the last of these; jitter takes off up to half. */
export const minRetryDelayMs = 100;
export const maxRetryDelayMs = 10_000;
