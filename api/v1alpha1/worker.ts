/** BuildKitWorker v1alpha1. */
import * as z from 'zod';
import type { ObjectMeta } from '../fields.ts';
import { neverAddedNorRemoved, withRules } from '../rule.ts';
import type { WorkerStatus } from '../status.ts';
import * as field from '../worker-fields.ts';

const allocation = z
  .object({
    jobId: field.jobID,
    token: field.leaseToken,
    requestedBy: field.leaseHolder.optional(),
    allocatedAt: field.acquiredAt,
    expiresAt: field.expiresAt.optional(),
    metadata: field.leaseMetadata.optional(),
  })
  .describe('Lease of the worker to a job.');

export const workerSpec = withRules(
  z
    .object({ poolRef: field.poolReference, requester: field.requester.optional(), allocation: allocation.optional() })
    .describe('What the worker should be.'),
  neverAddedNorRemoved('requester'),
);

export interface Worker {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof workerSpec>;
  readonly status?: WorkerStatus;
}
