/**
 * Which leaf of a spec in v1alpha1 is which leaf in v1beta1: conversion and the page on it are made from this.
 *
 * A leaf that no row names has its place under the name of its own version: `networking.port` of v1alpha1 is
 * `v1alpha1.networking.port` of v1beta1, and an empty `certificates` of v1beta1 is `v1beta1.certificates` of v1alpha1.
 * So every leaf of one version has exactly one of its own in the other, with the same value.
 */

/** Paths are dotted. `*` as last segment stands for every member that no other row names. */
export interface Row {
  readonly v1beta1: string;
  readonly v1alpha1: string;
}

const row = (v1beta1: string, v1alpha1: string): Row => ({ v1beta1, v1alpha1 });
const samePlace = (path: string): Row => row(path, path);

export const poolRows: readonly Row[] = [
  row('workers.scaling.mode', 'scaling.mode'),
  row('workers.scaling.min', 'scaling.min'),
  row('workers.scaling.max', 'scaling.max'),
  row('workers.scaling.idleTimeout', 'scaling.scaleDownDelay'),
  row('workers.scaling.schedule', 'scaling.scaleDownSchedule'),
  row('workers.scaling.targets.cpuUtilization', 'scaling.targetCPUUtilization'),
  row('workers.scaling.targets.memoryUtilization', 'scaling.targetMemoryUtilization'),
  row('workers.scaling.targets.activeConnections', 'scaling.targetActiveConnections'),
  row('workers.image', 'buildkitImage'),
  row('workers.config', 'buildkitConfig'),
  row('workers.resources', 'resources.buildkit'),
  samePlace('workers.template'),
  samePlace('workers.isolation'),
  samePlace('workers.sharing'),
  samePlace('workers.egress'),
  samePlace('workers.storage'),
  samePlace('gateway.enabled'),
  row('gateway.image', 'gatewayImage'),
  samePlace('gateway.replicas'),
  row('gateway.resources.limits.cpu', 'gateway.resources.cpu'),
  row('gateway.resources.limits.memory', 'gateway.resources.memory'),
  samePlace('gateway.resources.limits.*'),
  samePlace('gateway.resources.requests'),
  row('gateway.service.type', 'gateway.serviceType'),
  row('gateway.service.port', 'gateway.port'),
  row('gateway.service.nodePort', 'gateway.nodePort'),
  row('gateway.service.loadBalancerClass', 'gateway.loadBalancerClass'),
  row('gateway.service.annotations', 'networking.annotations'),
  row('gateway.service.allowedCIDRs', 'networking.allowedCIDRs'),
  samePlace('gateway.proxyProtocolCIDRs'),
  row('gateway.exposure.gatewayAPI', 'gateway.gatewayAPI'),
  row('gateway.exposure.ingress', 'gateway.ingress'),
  row('gateway.exposure.enabled', 'networking.external.enabled'),
  row('gateway.exposure.hostname', 'networking.external.hostname'),
  row('gateway.exposure.annotations', 'networking.external.annotations'),
  row('certificates.server.mode', 'tls.mode'),
  row('certificates.server.ttl', 'tls.auto.serverCertDuration'),
  row('certificates.server.rotateBefore', 'tls.auto.rotateBeforeExpiry'),
  row('certificates.server.organization', 'tls.auto.organization'),
  row('certificates.server.manual.certSecret', 'tls.manual.serverCertSecret'),
  row('certificates.server.manual.caSecret', 'tls.manual.caSecret'),
  row('certificates.client.ttl', 'gateway.tokenTTL'),
  row('certificates.client.maxTTL', 'gateway.maxTokenTTL'),
  samePlace('access'),
  samePlace('cache'),
  samePlace('observability'),
];

export const workerRows: readonly Row[] = [
  samePlace('poolRef'),
  samePlace('requester'),
  row('lease.jobID', 'allocation.jobId'),
  row('lease.token', 'allocation.token'),
  row('lease.holder', 'allocation.requestedBy'),
  row('lease.acquiredAt', 'allocation.allocatedAt'),
  row('lease.expiresAt', 'allocation.expiresAt'),
  row('lease.metadata', 'allocation.metadata'),
];

export const oidcConfigRows: readonly Row[] = [
  samePlace('issuer'),
  samePlace('audience'),
  samePlace('claimsMapping'),
  samePlace('boundClaims'),
  samePlace('clientID'),
  samePlace('clientSecretRef'),
  samePlace('enabled'),
];

/** A word of v1alpha1 that means what a leaf of v1beta1 means too: which of them counts, `effective` decides. */
export interface SharedMeaning {
  /** In v1alpha1; in v1beta1 it stands under `v1alpha1`. */
  readonly word: string;
  /** In v1beta1. */
  readonly leaf: string;
  readonly how: 'gives way' | 'gives way by member' | 'stands before';
}

export const sharedMeanings: readonly SharedMeaning[] = [
  { word: 'networking.serviceType', leaf: 'gateway.service.type', how: 'gives way' },
  { word: 'networking.port', leaf: 'gateway.service.port', how: 'gives way' },
  { word: 'resources.sidecar.limits', leaf: 'gateway.resources.limits', how: 'gives way by member' },
  { word: 'resources.sidecar.requests', leaf: 'gateway.resources.requests', how: 'gives way by member' },
  { word: 'auth.rbac.rules', leaf: 'access.clients.rules', how: 'gives way' },
  { word: 'auth.methods', leaf: 'access.oidc.inline', how: 'stands before' },
];

/** What the page on the fields says of words of v1alpha1 without a partner, beside where they stand. */
export const oldPoolNotes: Readonly<Record<string, string>> = {
  'tls.enabled': 'accepted as `true`, which it is; `false` is refused: `expected true: TLS cannot be switched off`',
  'auth.methods':
    'the issuers of type `oidc` count beside `access.oidc.inline`, and before them. Refused are `token`, `mtls.clientCASecret` and `mtls.required: false`, each with its reason',
  'auth.rbac.enabled':
    '`false` with rules is refused: `expected no rules where enabled is false: remove the rules, or let them count`',
};
