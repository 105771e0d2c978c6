/** The metrics that every part has, in a registry of its own, to which it adds those that it alone has. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { kubeSecondsBuckets } from '../../api/limits/observability.ts';
import { METRICS } from '../../api/names.ts';
import { describeCall } from '../kube/describe-call.ts';
import type { ObserveCall } from '../kube/client.ts';
import { addProcessMetrics } from './process-metrics.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

export interface PartMetrics {
  readonly registers: Registry[];
  /** Counts and times the requests of a client of the apiserver. */
  readonly observeCall: ObserveCall;
  /** `readEndMs`: when the certificate ends that is served now, in milliseconds since the epoch. */
  readonly showServingCertificate: (readEndMs: () => number) => void;
  readonly readMetrics: () => Promise<MetricsText>;
}

/** `part` is a label of every metric. */
export function createPartMetrics(part: string): PartMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ part });
  const registers = [registry];
  addProcessMetrics(registers);
  return {
    registers,
    observeCall: createCallObserver(registers),
    showServingCertificate: (readEndMs) => {
      new Gauge({
        name: METRICS.servingCertificateEnd,
        help: 'When the certificate ends that is served now, in seconds since the epoch.',
        registers,
        collect() {
          this.set(readEndMs() / 1000);
        },
      });
    },
    readMetrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function createCallObserver(registers: Registry[]): ObserveCall {
  const requests = new Counter({
    name: METRICS.kubeRequests,
    help: 'Requests to the apiserver, by verb, resource and status; the code is 0 where no answer came.',
    labelNames: ['verb', 'resource', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: METRICS.kubeRequestSeconds,
    help: 'Time from a request to the apiserver to the head of its answer, by verb.',
    labelNames: ['verb'],
    buckets: kubeSecondsBuckets,
    registers,
  });
  return (call) => {
    const { verb, resource } = describeCall(call);
    const endTimer = seconds.startTimer({ verb });
    let isCounted = false;
    return (status) => {
      // A connection that breaks after the head of the answer tells so once more.
      if (isCounted) return;
      isCounted = true;
      requests.inc({ verb, resource, code: String(status) });
      endTimer();
    };
  };
}
