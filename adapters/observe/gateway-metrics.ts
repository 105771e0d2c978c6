/** Metrics of a gateway: who came, how each ended, and what they moved. */
import { Counter, Gauge, Histogram } from 'prom-client';
import { waitSecondsBuckets } from '../../api/limits/gateway.ts';
import { METRICS } from '../../api/names.ts';
import { createPartMetrics, type PartMetrics } from './part-metrics.ts';

interface EndedConnection {
  readonly ended: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface GatewayMetrics extends PartMetrics {
  /** A worker took a client after so long. */
  readonly served: (waitedMs: number) => void;
  readonly ended: (connection: EndedConnection) => void;
  /** Before anybody was known. */
  readonly endedEarly: (why: string) => void;
  readonly showOpen: (count: () => number) => void;
  readonly called: (call: 'lease' | 'renew' | 'keys' | 'worker_keys' | 'report' | 'tick', isAnswered: boolean) => void;
}

export function createGatewayMetrics(): GatewayMetrics {
  const metrics = createPartMetrics('gateway');
  const { registers } = metrics;
  const waits = new Histogram({
    name: METRICS.gatewayWaitSeconds,
    help: 'Time from the end of a handshake to a worker that took the client.',
    buckets: waitSecondsBuckets,
    registers,
  });
  const ends = new Counter({
    name: METRICS.gatewayConnections,
    help: 'Connections that ended, by reason.',
    labelNames: ['ended'],
    registers,
  });
  const bytes = new Counter({
    name: METRICS.gatewayBytes,
    help: 'Bytes of connections that ended, from clients and to them.',
    labelNames: ['direction'],
    registers,
  });
  const calls = new Counter({
    name: METRICS.gatewayCalls,
    help: 'Calls to the functions, by call and outcome.',
    labelNames: ['call', 'outcome'],
    registers,
  });
  return {
    ...metrics,
    served: (waitedMs) => {
      waits.observe(waitedMs / 1000);
    },
    ended: ({ ended, bytesIn, bytesOut }) => {
      ends.inc({ ended });
      bytes.inc({ direction: 'in' }, bytesIn);
      bytes.inc({ direction: 'out' }, bytesOut);
    },
    endedEarly: (why) => {
      ends.inc({ ended: why });
    },
    showOpen: (count) => {
      new Gauge({
        name: METRICS.gatewayOpen,
        help: 'Connections that are open, those that wait for a worker among them.',
        registers,
        collect() {
          this.set(count());
        },
      });
    },
    called: (call, isAnswered) => {
      calls.inc({ call, outcome: isAnswered ? 'answered' : 'failed' });
    },
  };
}
