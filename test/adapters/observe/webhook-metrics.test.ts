import { expect, it } from 'vitest';
import { createWebhookMetrics } from '../../../adapters/observe/webhook-metrics.ts';

it('counts reviews by webhook and outcome, and shows when the certificate expires', async () => {
  const metrics = createWebhookMetrics();
  metrics.showServingCertificate(() => 1_800_000_000_000);
  metrics.startReview('validate')('denied');
  metrics.startReview('validate')('denied');
  metrics.startReview('mutate')('patched');
  expect((await metrics.readMetrics()).text.split('\n')).toEqual(
    expect.arrayContaining([
      'buildkit_webhook_reviews_total{webhook="validate",outcome="denied",part="webhooks"} 2',
      'buildkit_webhook_reviews_total{webhook="mutate",outcome="patched",part="webhooks"} 1',
      'buildkit_webhook_review_duration_seconds_count{part="webhooks",webhook="validate"} 2',
      'buildkit_serving_certificate_not_after_seconds{part="webhooks"} 1800000000',
    ]),
  );
});

it('keeps the counts of two webhooks in one process apart', async () => {
  const [one, other] = [createWebhookMetrics(), createWebhookMetrics()];
  one.startReview('mutate')('patched');
  expect((await other.readMetrics()).text).not.toContain('patched');
});
