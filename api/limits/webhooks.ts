/** The admission and conversion webhooks. Each limit has its unit in its name and its reason above it. */

/** An AdmissionReview carries object and old object, each at most the 1.5 MiB that etcd takes. */
export const maxReviewBodyBytes = 4 * 1024 * 1024;

/**
 * A LIST that bypasses the apiserver's caches is converted in one call: a page of 500 objects of 64 KiB, which is far
 * above what a pool or worker usually takes.
 */
export const maxConversionBodyBytes = 32 * 1024 * 1024;

/**
 * Of what has arrived: two of the largest fit beside each other. Where all `maxConnections` send, nobody's 64 KiB have to
 * give way.
 */
export const maxConversionBytesAtOnce = 2 * maxConversionBodyBytes;

/**
 * Most reviews are smaller, and reading one of these is quickest in one piece, with what it announced. Each of their
 * bytes may come alone and then takes a few hundred: this much of them at once fits, and who finds no room is read as
 * the large ones are.
 */
export const maxQuickBodyBytes = 16 * 1024;
export const maxQuickBytesAtOnce = 512 * 1024;

/** What large reviews are in the way of is over within a second; the apiserver tries again within its own timeout. */
export const reviewRetryAfterSeconds = 1;

/** A member of an object takes up to 180 bytes while it is converted: this many fit in the heap beside admission. */
export const maxConversionValues = 2_000_000;

/**
 * Of what has arrived of unfinished reviews: small beside the heap. Where all `maxConnections` send, nobody's 32 KiB have
 * to give way.
 */
export const maxReviewBytesAtOnce = 32 * 1024 * 1024;

/** JSON that is all brackets takes 29 times its text when parsed: this much of it at once fits in the heap, with room. */
export const maxReviewCharsAtOnce = maxReviewBodyBytes;

/** A stamp with thousands of groups would make every SubjectAccessReview slow and the object large. */
export const maxRequesterBytes = 16 * 1024;

/** A stamp is three levels deep; a review that is posted to us by a stranger may be a million. */
export const maxComparedDepth = 64;

/** The apiserver waits at most this long for a webhook. */
export const webhookTimeoutSeconds = 5;

/** All calls of one review together: shorter than the webhook's own timeout, so that we answer before it gives up. */
export const reviewCallsMs = 4_000;

/** Node closes idle connections after 5 s by default; the apiserver then fails writes with a broken pipe. */
export const webhookKeepAliveMs = 150_000;

/** On SIGTERM answers carry `Connection: close` for this long before the port is closed. */
export const webhookDrainMs = 2_000;
