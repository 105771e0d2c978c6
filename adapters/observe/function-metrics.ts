/** Metrics of a function that takes events. */
import { Counter, Gauge, Histogram } from 'prom-client';
import { recomputeSecondsBuckets } from '../../api/limits/observability.ts';
import {
  EVENT_KINDS,
  METRICS,
  type EventKind,
  type RequestOutcome,
  type RunOutcome,
  type RecordOutcome,
  type WriteOutcome,
} from '../../api/names.ts';
import { createPartMetrics, type PartMetrics } from './part-metrics.ts';

export interface FunctionMetrics extends PartMetrics {
  readonly countEvent: (kind: EventKind, outcome: RequestOutcome) => void;
  readonly countCovered: () => void;
  readonly countReport: (outcome: RequestOutcome) => void;
  /** Begins to time a run that brings one pool up to date; called at its end, it returns the seconds. */
  readonly startRecompute: () => (outcome: RunOutcome) => number;
  readonly startResync: () => (outcome: 'done' | 'failed') => number;
  readonly countWrite: (kind: string, outcome: WriteOutcome) => void;
  readonly countRecorded: (outcome: RecordOutcome) => void;
}

export function createFunctionMetrics(part: 'status' | 'lifecycle'): FunctionMetrics {
  const metrics = createPartMetrics(part);
  const { registers } = metrics;
  const events = new Counter({
    name: METRICS.events,
    help: 'Events answered, by what they are about and outcome.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const covered = new Counter({
    name: METRICS.coveredEvents,
    help: 'Events about changes that an earlier run had already read.',
    registers,
  });
  const reports = new Counter({
    name: METRICS.reports,
    help: 'Connection reports of gateways answered, by outcome.',
    labelNames: ['outcome'],
    // Gateways report to it alone.
    registers: part === 'status' ? registers : [],
  });
  const writes = new Counter({
    name: METRICS.writes,
    help: 'Writes of computed objects, by kind and outcome; stale is a conflict, which is computed anew.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const recorded = new Counter({
    name: METRICS.recordedEvents,
    help: 'Kubernetes Events that were to be recorded, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  // A series that an alert watches exists from the start: Prometheus sees no increase of a series that was absent.
  for (const kind of [...EVENT_KINDS, 'resync', 'other']) events.inc({ kind, outcome: 'failed' }, 0);
  return {
    ...metrics,
    ...createTimers(registers),
    countEvent: (kind, outcome) => {
      events.inc({ kind, outcome });
    },
    countCovered: () => {
      covered.inc();
    },
    countReport: (outcome) => {
      reports.inc({ outcome });
    },
    countWrite: (kind, outcome) => {
      writes.inc({ kind, outcome });
    },
    countRecorded: (outcome) => {
      recorded.inc({ outcome });
    },
  };
}

function createTimers(registers: PartMetrics['registers']): Pick<FunctionMetrics, 'startRecompute' | 'startResync'> {
  const recomputes = new Histogram({
    name: METRICS.recomputeSeconds,
    help: 'Time of a run that brings one pool up to date, by outcome.',
    labelNames: ['outcome'],
    buckets: recomputeSecondsBuckets,
    registers,
  });
  const resyncs = new Histogram({
    name: METRICS.resyncSeconds,
    help: 'Time of a run that looks at every pool, by outcome.',
    labelNames: ['outcome'],
    buckets: recomputeSecondsBuckets,
    registers,
  });
  const lastResync = new Gauge({
    name: METRICS.lastResync,
    help: 'When a run that looked at every pool last ended well, or this process began, in seconds since the epoch.',
    registers,
  });
  lastResync.setToCurrentTime();
  return {
    startRecompute: () => {
      const end = recomputes.startTimer();
      return (outcome) => end({ outcome });
    },
    startResync: () => {
      const end = resyncs.startTimer();
      return (outcome) => {
        if (outcome === 'done') lastResync.setToCurrentTime();
        return end({ outcome });
      };
    },
  };
}
