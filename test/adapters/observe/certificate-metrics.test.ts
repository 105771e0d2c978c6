import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCertificateMetrics } from '../../../adapters/observe/certificate-metrics.ts';
import { makeRoot } from '../../../adapters/x509/authorities.ts';
import { rootCaTtlSeconds } from '../../../api/limits/authority.ts';
import { makeRootProfile } from '../../../core/certificates/profile.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-metrics-'));
});
afterEach(() => rm(folder, { recursive: true }));

const readLines = async ({ readMetrics }: ReturnType<typeof createCertificateMetrics>) =>
  (await readMetrics()).text.split('\n');

it('counts and times requests by outcome, in a registry of their own', async () => {
  const metrics = createCertificateMetrics(folder);
  metrics.startRequest()('issued');
  metrics.startRequest()('issued');
  metrics.startRequest()('pool_forbidden');
  expect(await readLines(metrics)).toEqual(
    expect.arrayContaining([
      'buildkit_certificate_requests_total{outcome="issued",part="api"} 2',
      'buildkit_certificate_requests_total{outcome="pool_forbidden",part="api"} 1',
      'buildkit_certificate_request_duration_seconds_count{part="api",outcome="issued"} 2',
    ]),
  );
  expect((await createCertificateMetrics(folder).readMetrics()).text).not.toContain('pool_forbidden');
});

it('shows when the mounted CA expires, and nothing while none is mounted', async () => {
  const metrics = createCertificateMetrics(folder);
  const find = async () => (await readLines(metrics)).filter((line) => line.startsWith('buildkit_client_ca'));
  expect(await find()).toEqual([]);
  const nowSeconds = 1_800_000_000;
  await writeFile(join(folder, 'tls.crt'), makeRoot(makeRootProfile, nowSeconds).certificate);
  expect(await find()).toEqual([`buildkit_client_ca_not_after_seconds{part="api"} ${nowSeconds + rootCaTtlSeconds}`]);
});
