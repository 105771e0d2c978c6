/** Which place of a spec in v1alpha1 is which place in v1beta1: conversion and the page on it are made from this. */

/** Paths are dotted; `*` as last segment stands for every member that no other row names. */
export interface Row {
  readonly v1beta1: string;
  /** Where several places mean the same, the one that counts stands first. */
  readonly v1alpha1: readonly [string, ...string[]];
  /** The v1alpha1 path that can hold a string only. */
  readonly textOnly?: string;
}

export const samePlace = (path: string): Row => ({ v1beta1: path, v1alpha1: [path] });
const row = (v1beta1: string, ...v1alpha1: [string, ...string[]]): Row => ({ v1beta1, v1alpha1 });

export const clientRules = 'access.clients.rules';

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
  row('gateway.enabled', 'gateway.enabled'),
  row('gateway.image', 'gatewayImage'),
  row('gateway.replicas', 'gateway.replicas'),
  {
    ...row('gateway.resources.limits.cpu', 'gateway.resources.cpu', 'resources.sidecar.limits.cpu'),
    textOnly: 'gateway.resources.cpu',
  },
  {
    ...row('gateway.resources.limits.memory', 'gateway.resources.memory', 'resources.sidecar.limits.memory'),
    textOnly: 'gateway.resources.memory',
  },
  row('gateway.resources.limits.*', 'resources.sidecar.limits.*'),
  row('gateway.resources.requests', 'resources.sidecar.requests'),
  row('gateway.service.type', 'gateway.serviceType', 'networking.serviceType'),
  row('gateway.service.port', 'gateway.port', 'networking.port'),
  row('gateway.service.nodePort', 'gateway.nodePort'),
  row('gateway.service.loadBalancerClass', 'gateway.loadBalancerClass'),
  row('gateway.service.annotations', 'networking.annotations'),
  row('gateway.service.allowedCIDRs', 'networking.allowedCIDRs'),
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
  samePlace('access.workers'),
  samePlace('access.clients.namespaces'),
  row(clientRules, clientRules, 'auth.rbac.rules'),
  samePlace('access.clients.limits'),
  samePlace('access.oidc.configRefs'),
  samePlace('access.oidc.inline'),
  samePlace('access.revokedBefore'),
  samePlace('access.revokedPrincipals'),
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

/** What v1alpha1 has beside the rows. */
export const oldPoolPlaces: Readonly<Record<string, string>> = {
  'tls.enabled': 'accepted as `true`, which it is; `false` is refused: `expected true: TLS cannot be switched off`',
  'auth.methods':
    'the issuers of type `oidc` are `access.oidc.inline`, before those that v1alpha1 lists there itself; the others are carried, and say what is so anyway: clients always show a certificate. Refused are `token`, `mtls.clientCASecret` and `mtls.required: false`, each with its reason',
  'auth.rbac.enabled':
    'carried; `false` with rules is refused: `expected no rules where enabled is false: remove the rules, or let them count`',
};
