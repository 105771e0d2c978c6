import { expect, it } from 'vitest';
import { createCertificateMetrics } from '../../adapters/certificate-metrics.ts';

it('counts and times requests by outcome, in a registry of their own', async () => {
  const { startRequest, readMetrics } = createCertificateMetrics();
  startRequest()('issued');
  startRequest()('issued');
  startRequest()('pool_forbidden');
  const { contentType, text } = await readMetrics();
  expect(contentType).toContain('text/plain');
  expect(text).toContain('buildkit_certificate_requests_total{outcome="issued"} 2\n');
  expect(text).toContain('buildkit_certificate_requests_total{outcome="pool_forbidden"} 1\n');
  expect(text).toContain('buildkit_certificate_request_duration_seconds_count{outcome="issued"} 2\n');
  expect((await createCertificateMetrics().readMetrics()).text).not.toContain('issued');
});
