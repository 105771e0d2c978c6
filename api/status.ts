/** What is observed of each kind: both versions say it alike. */
import * as z from 'zod';
import { conditions, count, longCount, text, time } from './fields.ts';
import { maxNamespaceLength, maxObjectNameLength } from './limits/fields.ts';
import { maxGatewayInstances, maxListedNamespaces } from './limits/status.ts';

export const poolPhase = z.enum(['Pending', 'Running', 'ScaledToZero', 'Terminating', 'Failed']);

export const workerCounts = z
  .object({
    total: count('Workers of every namespace that serve this pool.'),
    ready: count('Idle and allocated workers.'),
    idle: count('Workers nobody uses.'),
    allocated: count('Workers in use.'),
    provisioning: count('Workers that are starting.'),
    failed: count('Workers that failed.'),
    desired: count('Workers wanted: `scaling.min` idle ones beside the allocated, at most `scaling.max`.'),
    needed: count('Workers missing to that.'),
  })
  .partial()
  .describe('Workers by state.');

/** Counters of one process: they only grow, and begin anew with the next one. */
const gatewayInstance = z
  .object({
    uid: text(64, 'UID of the Pod.'),
    pod: text(maxObjectNameLength, 'Name of the Pod.'),
    startedAt: time('When the process that counts was started.'),
    sequence: longCount('Number of the report this is from; an earlier one changes nothing.'),
    active: count('Connections open in it at that moment.'),
    total: longCount('Connections it ever opened.'),
  })
  .describe('What one Pod of the gateway reported last.');

export const connections = z
  .object({
    active: count('Connections open now.'),
    total: longCount('Connections ever opened.'),
    lastConnectionTime: time('When the last one was opened.'),
    instances: z
      .array(gatewayInstance)
      .max(maxGatewayInstances)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] })
      .describe('The Pods of the gateway that are counted.'),
    retired: longCount('Connections that processes opened which are gone.'),
  })
  .partial()
  .describe('Client connections through the gateway.');

export type Connections = z.infer<typeof connections>;
export type GatewayInstance = z.infer<typeof gatewayInstance>;

export const gatewayStatus = z
  .object({
    ready: z.boolean().describe('Whether a gateway Pod serves.'),
    replicas: count('Gateway Pods wanted.'),
    readyReplicas: count('Gateway Pods that serve.'),
    deploymentName: text(maxObjectNameLength, 'Deployment of the gateway.'),
    serviceName: text(maxObjectNameLength, 'Service of the gateway.'),
  })
  .partial()
  .describe('The gateway.');

export const poolStatus = z
  .object({
    conditions,
    phase: poolPhase.describe('One word for the state.'),
    endpoint: text(1024, 'Where clients connect.'),
    gateway: gatewayStatus,
    workers: workerCounts,
    workerNamespaces: z
      .array(text(maxNamespaceLength, 'A namespace.'))
      .max(maxListedNamespaces)
      .describe('Namespaces with workers that refer to this pool; absent where they are more.'),
    connections,
    lastActivityTime: time('When the pool was last used.'),
    serverCert: z
      .object({
        notBefore: time('Valid from.'),
        notAfter: time('Valid until.'),
        renewalTime: time('When it is replaced.'),
      })
      .partial()
      .describe('Certificate the gateway serves.'),
    tlsSecretName: text(maxObjectNameLength, 'Secret with the gateway certificate.'),
    workerTLSSecretName: text(maxObjectNameLength, 'Secret with the worker certificate.'),
    lastScaleTime: time('When the number of workers last changed.'),
    observedGeneration: longCount('Generation of the spec this was computed from.'),
  })
  .partial()
  .describe('What the pool is.');

export type PoolPhase = z.infer<typeof poolPhase>;
export type PoolStatus = z.infer<typeof poolStatus>;

/** `Running` is what older controllers wrote for a worker nobody uses. */
export const workerPhase = z.enum(['Pending', 'Provisioning', 'Running', 'Idle', 'Allocated', 'Terminating', 'Failed']);
export type WorkerPhase = z.infer<typeof workerPhase>;

export const workerStatus = z
  .object({
    phase: workerPhase.describe('One word for the state. `Running` is read as Idle.'),
    conditions,
    poolUID: text(64, 'UID of the pool that the worker was admitted to: a pool made anew is another one.'),
    podName: text(maxObjectNameLength, 'Pod of the worker.'),
    podUID: text(64, 'UID of that Pod: keys are signed for it and for no other.'),
    podIP: text(45, 'Address of the Pod.'),
    endpoint: text(1024, 'Where the gateway reaches the worker.'),
    createdAt: time('When the Pod was made.'),
    readyAt: time('When the worker became ready.'),
    lastActivityAt: time('When the worker was last used.'),
    allocationCount: count('How often the worker was leased.'),
    message: text(32_768, 'State for a person.'),
  })
  .partial()
  .describe('What the worker is.');

export type WorkerStatus = z.infer<typeof workerStatus>;

export const oidcConfigStatus = z
  .object({
    ready: z.boolean().describe('Whether tokens of this issuer can be verified.'),
    message: text(32_768, 'State for a person.'),
    conditions,
  })
  .partial()
  .describe('What is known of the issuer.');
export type OidcConfigStatus = z.infer<typeof oidcConfigStatus>;
