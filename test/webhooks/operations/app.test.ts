import { describe, expect, it } from 'vitest';
import { createWebhookMetrics } from '../../../adapters/metrics.ts';
import { err, ok } from '../../../core/result.ts';
import { createOperationsApp, type OperationsPorts } from '../../../webhooks/operations/app.ts';

const makeApp = (changes: Partial<OperationsPorts> = {}) =>
  createOperationsApp({
    checkReady: () => Promise.resolve(ok(undefined)),
    readMetrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    ...changes,
  });

async function get(app: ReturnType<typeof makeApp>, path: string): Promise<[number, string]> {
  const answer = await app.request(path);
  return [answer.status, await answer.text()];
}

describe('the probes', () => {
  it('say ok', async () => {
    expect(await get(makeApp(), '/healthz')).toEqual([200, 'ok']);
    expect(await get(makeApp(), '/readyz')).toEqual([200, 'ok']);
  });

  it('say what is missing, and stay alive', async () => {
    const app = makeApp({ checkReady: () => Promise.resolve(err('certificate: expected one')) });
    expect(await get(app, '/readyz')).toEqual([503, 'certificate: expected one']);
    expect(await get(app, '/healthz')).toEqual([200, 'ok']);
  });
});

describe('the metrics', () => {
  it('count reviews by webhook and outcome, and tell the end of the certificate', async () => {
    const metrics = createWebhookMetrics(() => 1_800_000_000_000);
    const app = makeApp({ readMetrics: metrics.read });
    metrics.startReview('validate')('denied');
    metrics.startReview('validate')('denied');
    metrics.startReview('mutate')('patched');
    const answer = await app.request('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await answer.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'buildkit_webhook_reviews_total{webhook="validate",outcome="denied"} 2',
        'buildkit_webhook_reviews_total{webhook="mutate",outcome="patched"} 1',
        'buildkit_webhook_review_duration_seconds_count{webhook="validate"} 2',
        'buildkit_webhook_certificate_not_after_seconds 1800000000',
      ]),
    );
  });

  it('of two webhooks in one process are apart', async () => {
    const [one, other] = [createWebhookMetrics(() => 0), createWebhookMetrics(() => 0)];
    one.startReview('mutate')('patched');
    expect((await other.read()).text).not.toContain('patched');
  });
});
