/** Metrics of the function that issues certificates. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { CertificateOutcome } from '../../api/http/problem.ts';
import { certificateSecondsBuckets } from '../../api/limits/observability.ts';
import { METRICS } from '../../api/names.ts';
import { createPartMetrics, type PartMetrics } from './part-metrics.ts';

export interface CertificateMetrics extends PartMetrics {
  /** Begins to time a request; called at its end. */
  readonly startRequest: () => (outcome: CertificateOutcome) => void;
}

/** `caFolder` holds the CA for clients, as the part that issues mounts it. */
export function createCertificateMetrics(caFolder: string): CertificateMetrics {
  const metrics = createPartMetrics('api');
  const { registers } = metrics;
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
  // What an alert looks at is there before it happens: an increase from nothing is none.
  for (const outcome of ['issued', 'unavailable']) requests.inc({ outcome }, 0);
  new Gauge({
    name: METRICS.clientCaEnd,
    help: 'When the CA ends that signs clients now, in seconds since the epoch; absent where there is none.',
    registers,
    async collect() {
      const end = await readEndSeconds(join(caFolder, 'tls.crt')).catch(() => undefined);
      if (end === undefined) this.remove();
      else this.set(end);
    },
  });
  return {
    ...metrics,
    startRequest: () => {
      const end = seconds.startTimer();
      return (outcome) => {
        requests.inc({ outcome });
        end({ outcome });
      };
    },
  };
}

const readEndSeconds = async (file: string): Promise<number> =>
  new X509Certificate(await readFile(file)).validToDate.getTime() / 1000;
