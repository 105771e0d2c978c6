/** Metrics of the webhooks. */
import { Counter, Histogram } from 'prom-client';
import { reviewSecondsBuckets } from '../../api/limits/observability.ts';
import { METRICS, type ReviewOutcome, type Webhook } from '../../api/names.ts';
import { createPartMetrics, type PartMetrics } from './part-metrics.ts';

export interface WebhookMetrics extends PartMetrics {
  readonly startReview: (webhook: Webhook) => (outcome: ReviewOutcome) => void;
}

export function createWebhookMetrics(): WebhookMetrics {
  const metrics = createPartMetrics('webhooks');
  const { registers } = metrics;
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
  // What an alert looks at is there before it happens: an increase from nothing is none.
  for (const webhook of ['mutate', 'validate', 'convert']) {
    for (const outcome of ['failed', 'unavailable', 'malformed']) reviews.inc({ webhook, outcome }, 0);
  }
  return {
    ...metrics,
    startReview: (webhook) => {
      const end = seconds.startTimer({ webhook });
      return (outcome) => {
        reviews.inc({ webhook, outcome });
        end();
      };
    },
  };
}
