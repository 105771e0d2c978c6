/** What is measured on a real node, which not every machine can run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../dev/child.ts';
import { findObstacle } from '../dev/node/obstacle.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { percentile } from './percentile.ts';
import type { Row } from './row.ts';

interface Place {
  readonly folder: string;
  readonly watch: (child: Child) => void;
}

interface OnNode<C> {
  /** As a person reads it where it is not measured. */
  readonly what: string;
  readonly start: (place: Place) => Promise<C>;
  readonly measure: (cluster: C, folder: string) => Promise<Row[]>;
}

/** Takes minutes. No row where this machine can run no node, and why. */
export async function measureOnNode<C extends { readonly stop: () => Promise<void> }>({
  what,
  start,
  measure,
}: OnNode<C>): Promise<Row[]> {
  const obstacle = await findObstacle();
  if (obstacle !== undefined) {
    console.warn(`not measured, ${what}: ${obstacle}`);
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

/** What a moment is called, and how many milliseconds later it may come than without our code. */
interface Moment {
  readonly figure: string;
  readonly mostAdded: number;
}

/** The median of each moment, in milliseconds, beside that of a peer which does nothing. */
export function makeMomentRows<M extends string>(
  moments: Readonly<Record<M, Moment>>,
  ours: readonly Readonly<Record<M, number>>[],
  { peer, nothing }: { readonly peer: string; readonly nothing: readonly Readonly<Record<M, number>>[] },
): Row[] {
  return (Object.entries(moments) as [M, Moment][]).map(([moment, { figure, mostAdded }]) => {
    const [value, peerValue] = [ours, nothing].map((all) =>
      percentile(
        all.map((one) => one[moment]),
        50,
      ),
    ) as [number, number];
    const goal = { goal: `<= ${mostAdded} ms added`, holds: value - peerValue <= mostAdded };
    return { name: 'cold-start', figure, value, unit: 'ms', peer, peerValue, ...goal };
  });
}
