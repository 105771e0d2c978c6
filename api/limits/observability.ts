/** Logs, metrics and traces. Each limit has its unit in its name and its reason above it. */

/** Log lines of a busy moment leave in one write; a process that is killed loses as much. */
export const maxBufferedLogBytes = 4 * 1024;
export const logFlushMs = 200;

/** A review takes one or two calls to the apiserver, and at most the 5 s it waits. */
export const reviewSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A certificate takes a review or two and a few reads; a stranger's token is looked at in less than a millisecond. */
export const certificateSecondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What the W3C asks everybody to pass on of what vendors add to a trace; longer ones are dropped whole. */
export const maxTracestateLength = 512;
export const maxTracestateMembers = 32;

/** A LIST of a page takes some milliseconds, a write of a status up to a hundred; no call takes more than four seconds. */
export const kubeSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A recompute is a few calls and a write, and may be repeated; a resync goes through all pools. */
export const recomputeSecondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Traces of merged events that one log line names: the others are counted. */
export const maxTraceLinks = 8;

/** Strangers may be refused a thousand times a second: the log needs to say so once in a while. */
export const refusalLogMs = 60_000;
