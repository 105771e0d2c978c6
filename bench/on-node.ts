/** What is measured on a real node, which not every machine can run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../dev/child.ts';
import { findObstacle } from '../dev/node/obstacle.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import type { Row } from './row.ts';

export interface Place {
  readonly folder: string;
  readonly watch: (child: Child) => void;
}

export interface OnNode<C> {
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
