/** Every limit of the project: its unit in its name, its reason above it. */

/** A body of thousands of bad fields must not be answered with megabytes. */
export const maxReportedErrors = 32;

/** Enough to recognise a value in an answer or a log line. */
export const maxShownValueLength = 64;

/** The name of a ServiceAccount fits; one of megabytes must not fill the log. */
export const maxLoggedUserLength = 256;

/** Log lines of a busy moment leave in one write; a process that is killed loses as much. */
export const maxBufferedLogBytes = 4 * 1024;
export const logFlushMs = 200;

/** A token, a pool list and a CSR fit many times over; nothing else belongs in a request. */
export const maxRequestBodyBytes = 64 * 1024;

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
 * Kubernetes: keys and values of all annotations of an object together. The apiserver refuses a converted object above
 * it, and one refused object breaks every LIST of its version: so what does not fit is left out.
 */
export const maxAnnotationsBytes = 256 * 1024;

/** The deepest place of any of our schemas is at 13; what is deeper was not written by us. */
export const maxCarriedDepth = 32;

/**
 * Of what has arrived of unfinished reviews: small beside the heap. Where all `maxConnections` send, nobody's 32 KiB have
 * to give way.
 */
export const maxReviewBytesAtOnce = 32 * 1024 * 1024;

/** JSON that is all brackets takes 29 times its text when parsed: this much of it at once fits in the heap, with room. */
export const maxReviewCharsAtOnce = maxReviewBodyBytes;

/** CloudEvents carry one whole object, on which etcd sets 1.5 MiB. */
export const maxEventBodyBytes = 2 * 1024 * 1024;

/** One URI SAN per pool: at 16 the leaf stays near 4 KiB, which every TLS stack takes in one record. */
export const maxPoolsPerCertificate = 16;

/** `<namespace>/<pool>`: 63 + 1 + 52 characters. */
export const maxPoolReferenceLength = 116;

/** `<pool>-gateway-<hash>` must stay a DNS label of 63 characters. */
export const maxPoolNameLength = 52;

/** No quantity that means something is longer. */
export const maxQuantityLength = 64;

/** `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128`. */
export const maxCidrLength = 43;

/** Five fields of lists; nobody reads a longer one. */
export const maxCronLength = 256;

/** DNS name, RFC 1035. */
export const maxHostnameLength = 253;

/** A registry, a path of 255, a tag of 128 and a digest fit several times. */
export const maxImageLength = 1024;

/** buildkitd.toml: the longest that means something is a page. */
export const maxBuildkitConfigLength = 65_536;

/** Tables and lists of buildkitd.toml nest four deep. */
export const maxTomlDepth = 16;

/** DNS label, RFC 1123. */
export const maxNamespaceLength = 63;

/** Kubernetes: a DNS subdomain of 253, a slash and a name of 63. */
export const maxLabelKeyLength = 317;
export const maxLabelValueLength = 63;

/** DNS subdomain, RFC 1123: what Kubernetes allows for most object names. */
export const maxObjectNameLength = 253;

/** Larger bearer tokens than this are refused before they are parsed. */
export const maxTokenBytes = 16 * 1024;

/** Claims of real issuers are nested two or three deep; Kubernetes' own are three. */
export const maxTokenDepth = 8;

/** Thumbprints have 43 characters, and URLs have been seen; a megabyte of a name must not be compared with every key. */
export const maxKeyIdLength = 256;

/** Clocks of issuers and ours differ by seconds; a minute is what other verifiers allow. */
export const maxClockSkewSeconds = 60;

/** With what stands before it, it fits where principals are revoked by name, and in a review. */
export const maxUserValueLength = 512;

/** Configs are read again after this: whoever switches one off waits no longer. */
export const issuerMemoryMs = 10_000;

/** A token of an issuer that hundreds of tenants name as well is not verified hundreds of times. */
export const maxVerifications = 16;

/** A document with more keys is none of a serious issuer, and each could be tried. */
export const maxIssuerKeys = 64;

/** Below, NIST SP 800-57 counts fewer than 112 bits of strength; each doubling makes a verification four times as slow. */
export const minRsaBits = 2_048;
export const maxRsaBits = 8_192;

/** Keys that were withdrawn by an issuer are gone here by then, wherever it can be asked. */
export const issuerKeysMemoryMs = 10 * 60_000;

/**
 * Where too much is under way here to ask for them anew: tenants with slow issuers must not close those of others, and a
 * key that was withdrawn must not live for ever by that.
 */
export const issuerKeysBusyMemoryMs = 60 * 60_000;

/** Unknown key ids come with every new key, and with every forged token: this often is enough for the former. */
export const issuerRefetchMs = 30_000;

/**
 * Discovery and keys each, with the name of the host: an issuer that is slower keeps its own users waiting, and nobody
 * else, since all that was begun for it ends then but lookups of private names, see `maxSystemLookups`.
 */
export const issuerTimeoutMs = 5_000;

/** Of private issuers: a lookup by the system cannot be given up, and libuv has four threads for all of them. */
export const maxSystemLookups = 2;

/** Documents of the large issuers are below 20 KiB. */
export const maxIssuerDocumentBytes = 1024 * 1024;

/** Fetches under way at once: what tenants' issuers may hold, a few for each namespace. */
export const maxParallelFetches = 32;
export const maxParallelFetchesPerNamespace = 4;

/** Keys of some kilobytes each, of configs that come and go: under 20 MiB whatever tenants make. */
export const maxRememberedIssuers = 1_024;

/** More issuers than a tenant has pools for: above it, its own keys go, and none is asked more often for that. */
export const maxRememberedIssuersPerNamespace = 64;

/** Each is asked at every connection; who revokes more than this closes the pool to all with `revokedBefore`. */
export const maxRevokedPrincipals = 256;

/** Issuers of a pool: each may cost a network call when a token is verified. */
export const maxInlineIssuers = 16;
export const maxConfigRefs = 16;

/** All of them are compared with every token; more kinds of callers than this are several configs. */
export const maxBoundClaims = 16;
export const maxBoundClaimValues = 16;

/** What an issuer names its claims and puts into them: a URL as name, a path of a repository and branch as value. */
export const maxClaimNameLength = 256;
export const maxClaimValueLength = 1024;

/** A rule is compared with every request: thousands belong in RBAC. */
export const maxClientRules = 64;

/** A stamp with thousands of groups would make every SubjectAccessReview slow and the object large. */
export const maxRequesterBytes = 16 * 1024;

/** A stamp is three levels deep; a review that is posted to us by a stranger may be a million. */
export const maxComparedDepth = 64;

/** Short enough to need no revocation list, long enough for most builds. */
export const defaultCertificateTtlSeconds = 60 * 60;
export const minCertificateTtlSeconds = 5 * 60;
export const maxCertificateTtlSeconds = 24 * 60 * 60;

/** Clocks of clients run behind by seconds. */
export const certificateBackdateSeconds = 60;

/** RFC 5280 allows 20 octets; 16 random octets need no counter. */
export const certificateSerialBytes = 16;

/** The request of an RSA key of 8192 bits takes 3.1 kB in PEM; extensions that are refused by name fit beside it. */
export const maxCsrLength = 8 * 1024;

/** FIPS 186-5 asks for more than 2^16, and a long exponent makes each verification slow. */
export const minRsaExponent = 65_537n;
export const maxRsaExponentBits = 32n;

/** Reviews and reads of one request that run at once: a request for 16 pools must not crowd out the others. */
export const maxParallelPoolCalls = 4;

/** What is missing is back within seconds, or needs a person. */
export const retryAfterSeconds = 2;

/** A CA that was replaced in its mount is signed with soon, without reading two files at every request. */
export const caFileMemoryMs = 30_000;

/** The root outlives many intermediates; it is replaced by hand or at half life. */
export const rootCaTtlSeconds = 10 * 365 * 24 * 60 * 60;

/**
 * Renewed at half of its life, so what it signs may live for half of it; and a root that was replaced is trusted for as
 * long as this.
 */
export const intermediateCaTtlSeconds = 30 * 24 * 60 * 60;

/**
 * A client takes the trust bundle with its certificate, and may use it for as long as that; an hour more is what a
 * kubelet needs to bring a changed bundle to the others.
 */
export const rootOverlapSeconds = maxCertificateTtlSeconds + 60 * 60;

/** Renewed at half by a part that runs daily: a week without it does no harm. */
export const serverLeafTtlSeconds = 14 * 24 * 60 * 60;

/** Patching a caBundle disturbs watches, so the webhook CA outlives many leaves. */
export const webhookCaTtlSeconds = 10 * 365 * 24 * 60 * 60;
export const webhookLeafTtlSeconds = 365 * 24 * 60 * 60;

/** A kubelet brings a changed Secret to its Pods within two minutes, and every apiserver a changed CA bundle to itself. */
export const webhookOverlapSeconds = 60 * 60;

/** A run of the authority takes seconds, on a busy apiserver minutes: whoever holds its Lease for longer is gone. */
export const authorityLeaseSeconds = 5 * 60;

/**
 * Nobody waits for the authority, and a busy apiserver needs seconds to change a CRD: a run that gave up would leave
 * work for the next, and a Lease where even that could not be given back.
 */
export const authorityCallTimeoutMs = 30_000;

/** The authority runs every day: what was not done after two is not being done. */
export const overdueSeconds = 2 * 24 * 60 * 60;

/** The apiserver waits at most this long for a webhook. */
export const webhookTimeoutSeconds = 5;

/** One call to the apiserver: it answers within this, or is not well. */
export const kubeCallTimeoutMs = 4_000;

/** A change of a definition: the apiserver compiles all its rules anew, which took a busy one 4 to 7 s (measured). */
export const definitionTimeoutMs = 20_000;

/** All calls of one review together: shorter than the webhook's own timeout, so that we answer before it gives up. */
export const reviewCallsMs = 4_000;

/** Somebody who asks for readiness in a loop costs the apiserver one call in this time. */
export const reachabilityMemoryMs = 1_000;

/** The kubelet renews a token when a fifth of its life is left, minutes at least; reading it at every call costs a file. */
export const accountTokenMemoryMs = 10_000;

/** A review takes one or two calls to the apiserver, and at most the 5 s it waits. */
export const reviewSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Node closes idle connections after 5 s by default; the apiserver then fails writes with a broken pipe. */
export const webhookKeepAliveMs = 150_000;

/** On SIGTERM answers carry `Connection: close` for this long before the port is closed. */
export const webhookDrainMs = 2_000;

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

/** A connection with TLS takes up to 100 kB: a third of the memory of a Pod. What comes beyond is closed at once. */
export const maxConnections = 1_024;

/** A certificate takes a review or two and a few reads; a stranger's token is looked at in less than a millisecond. */
export const certificateSecondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** An authentication may be remembered this long, never longer. */
export const authenticationMemoryMs = 10_000;

/** Each is some 500 bytes: the memory stays under 2 MiB whatever is sent. */
export const maxRememberedAuthentications = 4_096;

/** A stale resourceVersion is read and tried again this many times before the sender is told 503. */
export const maxApplyAttempts = 4;

/** Workers a pool scales to when `scaling.max` is absent. */
export const defaultMaxWorkers = 10;

/** A right that was taken away is missed by then: RBAC sends no events. */
export const maxReviewAgeMs = 15 * 60_000;

/** Events can get lost, and rights are reviewed when somebody asks: everything is looked at this often. */
export const resyncPeriodMs = 5 * 60_000;

/** Objects per page of a LIST: what a tenant may put into annotations (256 KiB each) is held for one page only. */
export const listPageSize = 100;

/** The apiserver ends a watch after this long; bookmarks arrive about once a minute, so a healthy one is never silent. */
export const watchTimeoutSeconds = 290;

/** A watch that is still open this long after its end was due has lost its connection. */
export const watchGraceMs = 15_000;

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

/** Events in flight at once from the bridge: the status function merges them, one apiserver serves them. */
export const maxParallelDeliveries = 16;

/** Of these for the objects of one namespace: a tenant who changes much delays nobody else. */
export const maxParallelDeliveriesPerNamespace = 4;

/** The function may be asleep and may run for its 30 s; longer than that no answer comes. */
export const eventDeliveryTimeoutMs = 35_000;

/** Pauses between attempts double from the first to the last of these; jitter takes off up to half. */
export const minRetryDelayMs = 100;
export const maxRetryDelayMs = 10_000;

/** What a sender is told to wait before it sends an event again. */
export const eventRetryAfterSeconds = 1;

/** A status is applied in 16 ms with 50 of them and in 89 ms with 300; no pool needs more Pods of its gateway. */
export const maxGatewayInstances = 50;

/** Five numbers and names. */
export const maxReportBodyBytes = 4 * 1024;

/** What the W3C asks everybody to pass on of what vendors add to a trace; longer ones are dropped whole. */
export const maxTracestateLength = 512;
export const maxTracestateMembers = 32;

/** A LIST of a page takes some milliseconds, a write of a status up to a hundred; no call takes more than four seconds. */
export const kubeSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A recompute is a few calls and a write, and may be repeated; a resync goes through all pools. */
export const recomputeSecondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Traces of merged events that one log line names: the others are counted. */
export const maxTraceLinks = 8;

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

/** Strangers may be refused a thousand times a second: the log needs to say so once in a while. */
export const refusalLogMs = 60_000;

/** From 1.33 on Pods have user namespaces, in which workers run, without a feature gate. */
export const minKubernetesMinor = 33;

/** A resync repairs within five minutes whatever was lost: after twice that, nobody is at work. */
export const settledWithinSeconds = 2 * (resyncPeriodMs / 1000);

/** A person waits longer than a webhook may, and whoever calls a doctor has a cluster that is slow. */
export const doctorCallTimeoutMs = 20_000;

/** A dry run waits for both webhooks, 5 s each, and for conversions, which the apiserver gives up after 30 s. */
export const dryRunTimeoutMs = 45_000;

/** Of the reviews of rights: 70 of them take a moment, and leave the apiserver to others. */
export const maxParallelRightReviews = 8;
