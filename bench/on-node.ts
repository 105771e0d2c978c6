/** What is measured on a real node, which not every machine can run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../dev/child.ts';
import { findMissingRequirement } from '../dev/node/requirements.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { percentile } from './percentile.ts';
import type { Measurement } from './measurement.ts';

interface NodeOptions {
  readonly folder: string;
  readonly watch: (child: Child) => void;
}

interface OnNode<C> {
  /** As a person reads it where it is not measured. */
  readonly what: string;
  readonly start: (options: NodeOptions) => Promise<C>;
  readonly measure: (cluster: C, folder: string) => Promise<Measurement[]>;
}

/** Takes minutes. Measures nothing where this machine can run no node, and says why. */
export async function measureOnNode<C extends { readonly stop: () => Promise<void> }>({
  what,
  start,
  measure,
}: OnNode<C>): Promise<Measurement[]> {
  const missing = await findMissingRequirement();
  if (missing !== undefined) {
    console.warn(`not measured, ${what}: ${missing}`);
    return [];
  }
  await using ends = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bench-node-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const watchdog = createWatchdog();
  ends.defer(watchdog.release);
  const cluster = await start({ folder, watch: watchdog.watch });
  ends.defer(cluster.stop);
  return await measure(cluster, folder);
}

/** A milestone: its name, and how many milliseconds later it may come than without our code. */
interface Milestone {
  readonly metric: string;
  readonly mostAdded: number;
}

/** The median of each milestone, in milliseconds, beside that of a peer which does nothing. */
export function makeMilestoneMeasurements<M extends string>(
  milestones: Readonly<Record<M, Milestone>>,
  ours: readonly Readonly<Record<M, number>>[],
  { peer, nothing }: { readonly peer: string; readonly nothing: readonly Readonly<Record<M, number>>[] },
): Measurement[] {
  return (Object.entries(milestones) as [M, Milestone][]).map(([milestone, { metric, mostAdded }]) => {
    const [value, peerValue] = [ours, nothing].map((all) =>
      percentile(
        all.map((one) => one[milestone]),
        50,
      ),
    ) as [number, number];
    const goal = { goal: `<= ${mostAdded} ms added`, holds: value - peerValue <= mostAdded };
    return { name: 'cold-start', metric, value, unit: 'ms', peer, peerValue, ...goal };
  });
}
