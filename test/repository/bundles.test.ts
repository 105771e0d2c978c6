import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, parts } from '../../dev/build.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  await bundle(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a bundle alone, with an empty environment and no packages in reach. */
const runBundle = (part: string) =>
  new Promise<{ status: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [join(folder, `${part}.mjs`)], { env: {}, cwd: folder }, (error, _stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stderr });
    });
  });

describe('a production bundle', () => {
  const kube = ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];
  const needs: Record<keyof typeof parts, string[]> = {
    api: [...kube, 'PORT', 'CLUSTER_FQDN', 'CA_FOLDER', 'PRIVATE_ISSUERS'],
    status: [...kube, 'PORT', 'EVENT_SENDERS', 'PRIVATE_ISSUERS'],
    lifecycle: [...kube, 'PORT', 'EVENT_SENDERS', 'COUNT_ATTACH', 'MAKE_PODS'],
    authority: [...kube, 'CLUSTER_FQDN'],
    bridge: [...kube, 'PORT', 'STATUS_URL', 'LIFECYCLE_URL', 'TOKEN_FILE'],
    keys: ['WORKER_NAME', 'KEYS_URL', 'TOKEN_FILE', 'KEYS_FOLDER', 'CONFIG_FOLDER', 'BUILDKITD_TOML'],
    webhooks: [...kube, 'PORT', 'TLS_FOLDER', 'COUNT_ATTACH'],
    gateway: [
      ...kube,
      'PORT',
      'POOL_NAME',
      'POOL_NAMESPACE',
      'CLUSTER_FQDN',
      'API_URL',
      'LIFECYCLE_URL',
      'STATUS_URL',
      'TOKEN_FILE',
      'KEYS_PORT',
    ],
  };

  it.each(Object.entries(needs))('%s runs alone, and names all that its environment lacks', async (part, missing) => {
    const { status, stderr } = await runBundle(part);
    expect(stderr).toContain(`environment: expected ${missing.join(', ')} to be set`);
    expect(status).toBe(1);
  });
});
