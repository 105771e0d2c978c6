/** Types and reasons of a pool's conditions: what clients may compare, so none changes its meaning. */

import { RESOLVED_REFS } from '../lifecycle/reasons.ts';

export const CONDITION_TYPES = {
  ready: 'Ready',
  gatewayReady: 'GatewayReady',
  workersReady: 'WorkersReady',
  resolvedRefs: RESOLVED_REFS,
} as const;

export const REASONS = {
  /** Ready=True: the gateway takes connections, and a worker is ready or none is wanted. */
  available: 'Available',
  /** Ready=False: the pool is being deleted. */
  terminating: 'Terminating',
  /** Ready=False: what is stored as spec is not what the schema says; the message names the field. */
  specInvalid: 'SpecInvalid',
  /** Ready=False: see GatewayReady. */
  gatewayNotReady: 'GatewayNotReady',
  /** Ready=False: see WorkersReady. */
  workersNotReady: 'WorkersNotReady',

  /** GatewayReady=True: the Service exists and at least one replica serves. */
  gatewayServing: 'GatewayServing',
  /** GatewayReady=False: a Deployment or Service of somebody else has the name of ours; it is never taken over. */
  nameConflict: 'NameConflict',
  /** GatewayReady=False: no Deployment of ours has the gateway's name. */
  deploymentMissing: 'DeploymentMissing',
  /** GatewayReady=False: no Service of ours has the gateway's name. */
  serviceMissing: 'ServiceMissing',
  /** GatewayReady=False: the Deployment has no ready replica. */
  noReadyReplica: 'NoReadyReplica',

  /** WorkersReady=True: at least one worker is ready. */
  workersServing: 'WorkersServing',
  /** WorkersReady=True: no worker is ready, and none is wanted. */
  scaledToZero: 'ScaledToZero',
  /** WorkersReady=False: there are workers, and all of them failed. */
  allWorkersFailed: 'AllWorkersFailed',
  /** WorkersReady=False: workers are wanted, and none is ready. */
  noReadyWorker: 'NoReadyWorker',

  /** ResolvedRefs=True: every OIDC config that the pool lists counts, or it lists none. */
  resolvedRefs: 'ResolvedRefs',
  /** ResolvedRefs=False: a config that the pool lists does not exist. */
  configNotFound: 'ConfigNotFound',
  /** ResolvedRefs=False: a config that the pool lists is not Ready; the message says why. */
  configNotReady: 'ConfigNotReady',
  /** ResolvedRefs=Unknown: a config is in another namespace, or nobody has looked at it since it changed. */
  configNotJudged: 'ConfigNotJudged',
} as const;

/** Reasons of the condition Ready of an OIDC config. */
export const OIDC_CONFIG_REASONS = {
  /** True: the keys of the issuer were read, so its tokens can be verified. */
  discovered: 'Discovered',
  /** False: `spec.enabled` is false. */
  disabled: 'Disabled',
  /** False: tokens of this cluster count only by the word of the apiserver. */
  clusterIssuer: 'ClusterIssuer',
  /** False: the issuer knows everybody, and no claim is bound. */
  unboundIssuer: 'UnboundIssuer',
  /** False: no https or a private host, where that is not permitted. */
  insecureIssuer: 'InsecureIssuer',
  /** False: an older config of the namespace names the same issuer and audience. */
  duplicate: 'Duplicate',
  /** False: the issuer or its keys can't be had; the message says why. */
  discoveryFailed: 'DiscoveryFailed',
} as const;
