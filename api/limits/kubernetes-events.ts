/** Kubernetes Events that the parts record. Each limit has its unit in its name and its reason above it. */

/** The apiserver takes no longer note of an Event. */
export const maxEventNoteBytes = 1024;

/** What repeats within this is told as one Event that is seen more often, as Kubernetes' own components do. */
export const eventSeriesMs = 6 * 60_000;

/** An object that flaps must not flood its namespace: so many Events at once, then one more a minute. */
export const maxEventsAtOnce = 10;
export const eventShareRefillMs = 60_000;

/** Shares and series that a process remembers, some hundred bytes each. */
export const maxRememberedEventObjects = 1_024;

/** The status is written by then; nobody should wait long for what is merely told. */
export const eventTimeoutMs = 1_000;
