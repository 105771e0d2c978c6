/** Counts what gateways report: gather, plan, apply, for all reports of one pool at once. */
import { createMerge } from '../../core/merge.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import type { ReceivedReport } from '../../core/status/report.ts';
import { writeStatus, type RecomputePorts } from './recompute.ts';

/** `refused`: the reporter is no Pod of that pool's gateway, or one more than can be counted. */
export type Recorded = 'recorded' | 'refused';

/** Resolves when the status holds the report. @throws when others wrote the pool at every attempt. */
export function createRecorder(ports: RecomputePorts): (received: ReceivedReport) => Promise<Recorded> {
  const outcomes = new WeakMap<ReceivedReport, Recorded>();
  const run = createMerge<PoolKey, ReceivedReport>(
    async (key, reports) => {
      const status = await writeStatus(ports, key, { reports });
      const counted = new Set(status?.connections?.instances?.map(({ uid }) => uid));
      for (const report of reports) outcomes.set(report, counted.has(report.reporter.uid) ? 'recorded' : 'refused');
    },
    { idOf: formatPoolKey },
  );

  return async (received) => {
    await run(received.key, received);
    return outcomes.get(received) ?? 'refused';
  };
}
