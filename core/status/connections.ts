/**
 * The connections of a pool, summed from what the Pods of its gateway report, so that no restart of any part loses one
 * or counts it twice: each process has its own counters, a report of an earlier moment changes nothing, and who is gone
 * is folded into one sum in the same write that forgets it. No I/O. No clock.
 */
import { maxGatewayInstances } from '../../api/limits/status.ts';
import type { Connections, GatewayInstance } from '../../api/status.ts';
import type { ReceivedReport } from './report.ts';

export interface Reported {
  /** UIDs of the Pods of the gateway that exist; undefined where nothing depends on them. */
  readonly pods: ReadonlySet<string> | undefined;
  readonly reports: readonly ReceivedReport[];
  readonly now: Date;
}

/** The whole new value. Reports of Pods that are none of the gateway's change nothing. */
export function mergeConnections(stored: Connections | undefined, { pods, reports, now }: Reported): Connections {
  const counted = reports.filter(({ reporter }) => pods?.has(reporter.uid));
  // What nobody counted here is kept: it was written by a controller that knew no instances.
  if (stored?.instances === undefined && counted.length === 0) return { active: 0, total: 0, ...stored };
  const instances = new Map((stored?.instances ?? []).map((instance) => [instance.uid, instance]));
  let retired = stored?.retired ?? readEarlierTotal(stored);
  for (const [uid, { total }] of instances) {
    if (pods === undefined || pods.has(uid)) continue;
    instances.delete(uid);
    retired = add(retired, total);
  }
  for (const received of counted) {
    const before = instances.get(received.reporter.uid);
    if (before === undefined && instances.size === maxGatewayInstances) continue;
    if (before !== undefined && !isNewer(received, before)) continue;
    const after = makeInstance(received);
    const isSameProcess = before?.startedAt === after.startedAt;
    if (before !== undefined && !isSameProcess) retired = add(retired, before.total);
    // A counter that falls is a fault of its process; ours never does.
    const total = isSameProcess ? Math.max(before.total, after.total) : after.total;
    instances.set(after.uid, { ...after, total });
  }
  return sum(stored, [...instances.values()], { retired, last: findLast(counted, now) });
}

/** Written by a controller that kept one number. */
const readEarlierTotal = (stored: Connections | undefined): number =>
  stored?.instances === undefined ? (stored?.total ?? 0) : 0;

/** Of one process by number; a later process counts whatever its number. */
function isNewer({ report }: ReceivedReport, before: GatewayInstance): boolean {
  const started = report.startedAt.getTime() - Date.parse(before.startedAt);
  return started === 0 ? report.sequence > before.sequence : started > 0;
}

const makeInstance = ({ reporter, report }: ReceivedReport): GatewayInstance => ({
  uid: reporter.uid,
  pod: reporter.pod,
  startedAt: report.startedAt.toISOString(),
  sequence: report.sequence,
  active: report.active,
  total: report.total,
});

/** In whole seconds. A clock that is ahead of ours must not keep later connections from being seen. */
function findLast(reports: readonly ReceivedReport[], now: Date): string | undefined {
  const times = reports.flatMap(({ report }) =>
    report.lastConnectionTime === undefined ? [] : [Math.min(report.lastConnectionTime.getTime(), now.getTime())],
  );
  if (times.length === 0) return undefined;
  return new Date(Math.max(...times)).toISOString().replace(/\.\d+Z$/, 'Z');
}

interface Folded {
  readonly retired: number;
  readonly last: string | undefined;
}

function sum(
  stored: Connections | undefined,
  instances: readonly GatewayInstance[],
  { retired, last }: Folded,
): Connections {
  const lastConnectionTime = later(stored?.lastConnectionTime, last);
  return {
    active: Math.min(
      instances.reduce((active, one) => active + one.active, 0),
      2 ** 31 - 1,
    ),
    total: instances.reduce((total, one) => add(total, one.total), retired),
    ...(lastConnectionTime === undefined ? {} : { lastConnectionTime }),
    instances: [...instances],
    retired,
  };
}

const later = (one: string | undefined, other: string | undefined): string | undefined =>
  one !== undefined && (other === undefined || Date.parse(one) >= Date.parse(other)) ? one : other;

/** The apiserver takes no integer that JavaScript would lose. */
const add = (one: number, other: number): number => Math.min(one + other, Number.MAX_SAFE_INTEGER);
