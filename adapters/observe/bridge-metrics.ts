/** Metrics of the bridge: what it watches, and what becomes of the events. */
import { Counter, Gauge } from 'prom-client';
import { METRICS } from '../../api/names.ts';
import type { SendEvent } from '../cloud-events.ts';
import { describeCall } from '../kube/describe-call.ts';
import { createPartMetrics, type PartMetrics } from './part-metrics.ts';

export interface BridgeMetrics extends PartMetrics {
  readonly setWatching: (resource: string, isWatching: boolean) => void;
  /** Counts what becomes of events on their way to a function. */
  readonly observeSend: (sink: string, send: SendEvent) => SendEvent;
  /** `count`: events of this function that are not delivered yet. */
  readonly showUndelivered: (sink: string, count: () => number) => void;
}

export function createBridgeMetrics(): BridgeMetrics {
  const metrics = createPartMetrics('bridge');
  const { registers } = metrics;
  const deliveries = new Counter({
    name: METRICS.deliveries,
    help: 'Attempts to deliver an event, by function and outcome.',
    labelNames: ['sink', 'outcome'],
    registers,
  });
  const counts = new Map<string, () => number>();
  new Gauge({
    name: METRICS.undelivered,
    help: 'Objects whose last change is not delivered yet, by function.',
    labelNames: ['sink'],
    registers,
    collect() {
      for (const [sink, count] of counts) this.set({ sink }, count());
    },
  });
  return {
    ...metrics,
    ...createWatchMetrics(metrics),
    observeSend: (sink, send) => async (event) => {
      try {
        const status = await send(event);
        deliveries.inc({ sink, outcome: outcomeOf(status) });
        return status;
      } catch (error) {
        deliveries.inc({ sink, outcome: 'failed' });
        throw error;
      }
    },
    showUndelivered: (sink, count) => {
      counts.set(sink, count);
    },
  };
}

/** As the bridge takes it: malformed alone is not tried again. */
function outcomeOf(status: number): 'delivered' | 'malformed' | 'failed' {
  if (status >= 200 && status < 300) return 'delivered';
  return status === 400 ? 'malformed' : 'failed';
}

function createWatchMetrics({
  registers,
  observeCall,
}: PartMetrics): Pick<BridgeMetrics, 'observeCall' | 'setWatching'> {
  const open = new Gauge({
    name: METRICS.watchOpen,
    help: 'Whether the watch of a resource is open.',
    labelNames: ['resource'],
    registers,
  });
  const lists = new Counter({
    name: METRICS.watchLists,
    help: 'Lists of a whole resource, however many pages: at the start, and after each lost watch.',
    labelNames: ['resource'],
    registers,
  });
  return {
    setWatching: (resource, isWatching) => {
      open.set({ resource }, isWatching ? 1 : 0);
    },
    observeCall: (call) => {
      const { verb, resource } = describeCall(call);
      if (verb === 'list' && call.query?.['continue'] === undefined) {
        lists.inc({ resource });
        // Until its watch is open.
        open.inc({ resource }, 0);
      }
      return observeCall(call);
    },
  };
}
