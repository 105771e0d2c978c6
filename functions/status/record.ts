/** Counts what gateways report: gather, plan, apply, for all reports of one pool at once. */
import { maxApplyAttempts } from '../../api/limits.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import { createMerge } from '../../core/events/merge.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import type { Observed } from '../../core/status/observed.ts';
import { plan } from '../../core/status/plan.ts';
import type { ReceivedReport } from '../../core/status/report.ts';

export interface RecordPorts {
  /** With the Pods of the gateway. Undefined when the pool does not exist. */
  readonly gather: (key: PoolKey) => Promise<Observed | undefined>;
  /** `stale`: the pool was written since it was read. */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<'written' | 'stale' | 'gone'>;
  readonly now: () => Date;
}

/** `refused`: the reporter is no Pod of that pool's gateway, or one more than can be counted. */
export type Recorded = 'recorded' | 'refused';

/** Resolves when the status holds the report. @throws when others wrote the pool at every attempt. */
export function createRecorder(ports: RecordPorts): (received: ReceivedReport) => Promise<Recorded> {
  /** Received since the last run of the pool began: those who sent them wait for the next. */
  const waiting = new Map<string, ReceivedReport[]>();
  const outcomes = new WeakMap<ReceivedReport, Recorded>();

  const run = createMerge(async (key: PoolKey) => {
    const reports = waiting.get(formatPoolKey(key)) ?? [];
    waiting.delete(formatPoolKey(key));
    const counted = await write(ports, key, reports);
    for (const report of reports) outcomes.set(report, counted.has(report.reporter.uid) ? 'recorded' : 'refused');
  }, formatPoolKey);

  return async (received) => {
    const id = formatPoolKey(received.key);
    waiting.set(id, [...(waiting.get(id) ?? []), received]);
    await run(received.key);
    return outcomes.get(received) ?? 'refused';
  };
}

/** UIDs of the Pods that are counted then. */
async function write(
  { gather, apply, now }: RecordPorts,
  key: PoolKey,
  reports: readonly ReceivedReport[],
): Promise<ReadonlySet<string>> {
  for (let attempt = 1; attempt <= maxApplyAttempts; attempt += 1) {
    const observed = await gather(key);
    if (observed === undefined) return new Set();
    const planned = plan(observed, now(), reports);
    const outcome = planned === 'unchanged' ? 'written' : await apply(observed.pool, planned);
    const status = planned === 'unchanged' ? observed.pool.status : planned;
    if (outcome === 'written') return new Set(status?.connections?.instances?.map(({ uid }) => uid));
    if (outcome === 'gone') return new Set();
  }
  throw new Error(`the pool changed during each of ${maxApplyAttempts} attempts`);
}
