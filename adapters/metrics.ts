/** Figures of the webhooks, in a registry of their own. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { reviewSecondsBuckets } from '../api/limits.ts';
import { METRICS, type ReviewOutcome, type Webhook } from '../api/names.ts';

export interface WebhookMetrics {
  readonly startReview: (webhook: Webhook) => (outcome: ReviewOutcome) => void;
  readonly read: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/** `readCertificateEnd`: end of the certificate served now, in milliseconds since the epoch. */
export function createWebhookMetrics(readCertificateEnd: () => number): WebhookMetrics {
  const registry = new Registry();
  const registers = [registry];
  const reviews = new Counter({
    name: METRICS.reviews,
    help: 'Reviews answered, by webhook and outcome.',
    labelNames: ['webhook', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: METRICS.reviewSeconds,
    help: 'Time from the head of a review to its decision.',
    labelNames: ['webhook'],
    buckets: reviewSecondsBuckets,
    registers,
  });
  new Gauge({
    name: METRICS.certificateEnd,
    help: 'When the certificate ends that is served now, in seconds since the epoch.',
    registers,
    collect() {
      this.set(readCertificateEnd() / 1000);
    },
  });
  return {
    startReview: (webhook) => {
      const beginMs = performance.now();
      return (outcome) => {
        reviews.inc({ webhook, outcome });
        seconds.observe({ webhook }, (performance.now() - beginMs) / 1000);
      };
    },
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
