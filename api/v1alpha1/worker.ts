/** BuildKitWorker v1alpha1. */
import { z } from 'zod';
import { conditions, count, namespaceName, poolName, text, time, type ObjectMeta } from '../fields.ts';
import { maxObjectNameLength } from '../limits.ts';

export const poolReference = z
  .object({
    name: poolName('Name of the pool.'),
    namespace: namespaceName("Namespace of the pool; the worker's own when absent, and always written out.").optional(),
  })
  .describe('The pool this worker serves. Immutable: serving another pool means a new worker.');
export type PoolReference = z.infer<typeof poolReference>;

/** Who created the object, as the apiserver authenticated them: authentication.k8s.io/v1 UserInfo. */
export const requester = z
  .object({
    username: text(1024, 'User name.'),
    uid: text(1024, 'UID of the user.').optional(),
    groups: z.array(text(1024, 'Group.')).max(512).optional().describe('Groups of the user.'),
    extra: z
      .record(z.string(), z.array(z.string().max(4096)).max(64))
      .meta({ maxProperties: 64 })
      .optional()
      .describe('Further attributes of the user.'),
  })
  .describe('Who created the worker. Written by admission, never by hand, and immutable.');
export type Requester = z.infer<typeof requester>;

const allocation = z
  .object({
    jobId: text(256, 'Job the worker is leased to.'),
    token: text(1024, 'Proof of the lease.'),
    requestedBy: text(1024, 'Who asked.').optional(),
    allocatedAt: time('When the lease began.'),
    expiresAt: time('When it ends.').optional(),
    metadata: z
      .record(z.string(), z.string().max(256))
      .meta({ maxProperties: 16 })
      .optional()
      .describe('Facts about the job.'),
  })
  .describe('Lease of the worker to a job.');

export const workerSpec = z
  .object({ poolRef: poolReference, requester: requester.optional(), allocation: allocation.optional() })
  .describe('What the worker should be.');

/** `Running` is what older controllers wrote for a worker nobody uses. */
export const workerPhase = z.enum(['Pending', 'Provisioning', 'Running', 'Idle', 'Allocated', 'Terminating', 'Failed']);
export type WorkerPhase = z.infer<typeof workerPhase>;

export const workerStatus = z
  .object({
    phase: workerPhase.describe('One word for the state. `Running` is read as Idle.'),
    conditions,
    podName: text(maxObjectNameLength, 'Pod of the worker.'),
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

export interface Worker {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof workerSpec>;
  readonly status?: z.infer<typeof workerStatus>;
}
