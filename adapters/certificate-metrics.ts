/** Figures of the certificate function, in a registry of their own. */
import { Counter, Histogram, Registry } from 'prom-client';
import type { CertificateOutcome } from '../api/http/problem.ts';
import { certificateSecondsBuckets } from '../api/limits.ts';
import { METRICS } from '../api/names.ts';

export interface CertificateMetrics {
  /** Begins to time a request; called at its end. */
  readonly startRequest: () => (outcome: CertificateOutcome) => void;
  readonly readMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createCertificateMetrics(): CertificateMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: METRICS.certificateRequests,
    help: 'Certificate requests answered, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: METRICS.certificateRequestSeconds,
    help: 'Time from the head of a request to its decision, by outcome.',
    labelNames: ['outcome'],
    buckets: certificateSecondsBuckets,
    registers,
  });
  return {
    startRequest: () => {
      const beginMs = performance.now();
      return (outcome) => {
        requests.inc({ outcome });
        seconds.observe({ outcome }, (performance.now() - beginMs) / 1000);
      };
    },
    readMetrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
