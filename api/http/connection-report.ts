/** Body of POST /status/reports: what a process of a gateway has counted since it was started. */
import * as z from 'zod';
import { poolName } from '../fields.ts';

const expectation = {
  body: 'a JSON object',
  pool: 'the name of a pool',
  time: 'a time as in RFC 3339',
  count: 'an integer from 0 to 2147483647',
  longCount: `an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
} as const;

const time = z.iso.datetime({ offset: true, error: expectation.time });
const longCount = z
  .number({ error: expectation.longCount })
  .int({ error: expectation.longCount })
  .min(0, { error: expectation.longCount });

/** The message of each rule is what is expected where it fails. */
export const connectionReport = z.strictObject(
  {
    pool: z.string({ error: expectation.pool }).refine((name) => poolName('').safeParse(name).success, {
      error: expectation.pool,
    }),
    startedAt: time,
    sequence: longCount,
    active: z.int32({ error: expectation.count }).min(0, { error: expectation.count }),
    total: longCount,
    lastConnectionTime: time.optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? 'no such field' : expectation.body) },
);
