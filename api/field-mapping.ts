/**
 * The field mapping: which leaf of a spec in v1alpha1 is which leaf in v1beta1. Conversion and its reference page are
 * generated from it.
 *
 * A leaf that no mapping names stands under the name of its own version: `networking.port` of v1alpha1 is
 * `v1alpha1.networking.port` of v1beta1, and an empty `certificates` of v1beta1 is `v1beta1.certificates` of v1alpha1.
 * So every leaf of one version has exactly one leaf in the other, with the same value.
 */

/** Paths are dotted. `*` as last segment stands for every member that no other mapping names. */
export interface FieldMapping {
  readonly v1beta1: string;
  readonly v1alpha1: string;
}

const mapping = (v1beta1: string, v1alpha1: string): FieldMapping => ({ v1beta1, v1alpha1 });
const samePath = (path: string): FieldMapping => mapping(path, path);

export const poolFieldMappings: readonly FieldMapping[] = [
  mapping('workers.scaling.mode', 'scaling.mode'),
  mapping('workers.scaling.min', 'scaling.min'),
  mapping('workers.scaling.max', 'scaling.max'),
  mapping('workers.scaling.idleTimeout', 'scaling.scaleDownDelay'),
  mapping('workers.scaling.schedule', 'scaling.scaleDownSchedule'),
  mapping('workers.scaling.targets.cpuUtilization', 'scaling.targetCPUUtilization'),
  mapping('workers.scaling.targets.memoryUtilization', 'scaling.targetMemoryUtilization'),
  mapping('workers.scaling.targets.activeConnections', 'scaling.targetActiveConnections'),
  mapping('workers.image', 'buildkitImage'),
  mapping('workers.config', 'buildkitConfig'),
  mapping('workers.resources', 'resources.buildkit'),
  samePath('workers.template'),
  samePath('workers.isolation'),
  samePath('workers.sharing'),
  samePath('workers.egress'),
  samePath('workers.storage'),
  samePath('gateway.enabled'),
  mapping('gateway.image', 'gatewayImage'),
  samePath('gateway.replicas'),
  mapping('gateway.resources.limits.cpu', 'gateway.resources.cpu'),
  mapping('gateway.resources.limits.memory', 'gateway.resources.memory'),
  samePath('gateway.resources.limits.*'),
  samePath('gateway.resources.requests'),
  mapping('gateway.service.type', 'gateway.serviceType'),
  mapping('gateway.service.port', 'gateway.port'),
  mapping('gateway.service.nodePort', 'gateway.nodePort'),
  mapping('gateway.service.loadBalancerClass', 'gateway.loadBalancerClass'),
  mapping('gateway.service.annotations', 'networking.annotations'),
  mapping('gateway.service.allowedCIDRs', 'networking.allowedCIDRs'),
  samePath('gateway.proxyProtocolCIDRs'),
  mapping('gateway.exposure.gatewayAPI', 'gateway.gatewayAPI'),
  mapping('gateway.exposure.ingress', 'gateway.ingress'),
  mapping('gateway.exposure.enabled', 'networking.external.enabled'),
  mapping('gateway.exposure.hostname', 'networking.external.hostname'),
  mapping('gateway.exposure.annotations', 'networking.external.annotations'),
  mapping('certificates.server.mode', 'tls.mode'),
  mapping('certificates.server.ttl', 'tls.auto.serverCertDuration'),
  mapping('certificates.server.rotateBefore', 'tls.auto.rotateBeforeExpiry'),
  mapping('certificates.server.organization', 'tls.auto.organization'),
  mapping('certificates.server.manual.certSecret', 'tls.manual.serverCertSecret'),
  mapping('certificates.server.manual.caSecret', 'tls.manual.caSecret'),
  mapping('certificates.client.ttl', 'gateway.tokenTTL'),
  mapping('certificates.client.maxTTL', 'gateway.maxTokenTTL'),
  samePath('access'),
  samePath('cache'),
  samePath('observability'),
];

export const workerFieldMappings: readonly FieldMapping[] = [
  samePath('poolRef'),
  samePath('requester'),
  mapping('lease.jobID', 'allocation.jobId'),
  mapping('lease.token', 'allocation.token'),
  mapping('lease.holder', 'allocation.requestedBy'),
  mapping('lease.acquiredAt', 'allocation.allocatedAt'),
  mapping('lease.expiresAt', 'allocation.expiresAt'),
  mapping('lease.metadata', 'allocation.metadata'),
];

export const oidcConfigFieldMappings: readonly FieldMapping[] = [
  samePath('issuer'),
  samePath('audience'),
  samePath('claimsMapping'),
  samePath('boundClaims'),
  samePath('clientID'),
  samePath('clientSecretRef'),
  samePath('enabled'),
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
