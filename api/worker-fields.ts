/** Fields of a worker that decide: both versions say them alike. */
import * as z from 'zod';
import { boundedRecord, namespaceName, poolName, text, time } from './fields.ts';
import { immutable, withRules } from './rule.ts';

export const poolReference = withRules(
  z
    .object({
      name: poolName('Name of the pool.'),
      namespace: namespaceName(
        "Namespace of the pool; the worker's own when absent, and always written out.",
      ).optional(),
    })
    .describe('The pool this worker serves. Immutable: serving another pool means a new worker.'),
  immutable,
);

/** Who created the object, as the apiserver authenticated them: authentication.k8s.io/v1 UserInfo. */
export const requester = withRules(
  z
    .object({
      username: text(1024, 'User name.'),
      uid: text(1024, 'UID of the user.').optional(),
      groups: z.array(text(1024, 'Group.')).max(512).optional().describe('Groups of the user.'),
      extra: boundedRecord(z.array(text(4096, 'Value.')).max(64).describe('Values.'), { max: 64 })
        .optional()
        .describe('Further attributes of the user.'),
    })
    .describe('Who created the worker. Written by admission, never by hand, and immutable.'),
  immutable,
);

/** A lease in the words of each version is made of these. */
export const jobID = text(256, 'Job the worker is leased to.');
export const leaseToken = z
  .string()
  .max(71)
  .regex(/^sha256:[0-9a-f]{64}$/)
  .meta({ expected: 'sha256: and 64 hexadecimal digits: the token itself is never stored' })
  .describe('Hash of the proof of the lease; only the allocation function sets it.');
export const leaseHolder = text(1024, 'Principal that holds the lease.');
export const acquiredAt = time('When the lease began.');
export const expiresAt = time('When it ends.');
export const leaseMetadata = boundedRecord(text(256, 'Value.'), { max: 16 }).describe('Facts about the job.');
