import { describe, expect, test } from 'vitest';
import { formatToml, parseToml } from '../../../adapters/toml.ts';
import { makeBuildkitConfig } from '../../../core/lifecycle/buildkit-config.ts';
import { makePool } from './observed.ts';

const fixed = {
  root: '/var/lib/buildkit',
  'insecure-entitlements': [],
  log: {},
  grpc: {
    address: ['tcp://0.0.0.0:1234', 'unix:///run/buildkit/buildkitd.sock'],
    debugAddress: 'unix:///run/buildkit/debug.sock',
    tls: { cert: '/keys/tls.crt', key: '/keys/tls.key', ca: '/keys/ca.crt' },
  },
  cdi: { disabled: true },
};

describe('buildkitd.toml', () => {
  test('of a pool that says nothing', () => {
    expect(makeBuildkitConfig(makePool(), {})).toEqual({
      ...fixed,
      worker: {
        oci: { enabled: true, networkMode: 'host', gc: true, gcpolicy: [{ all: true, maxUsedSpace: 17_179_869_184 }] },
        containerd: { enabled: false },
      },
    });
  });

  test('keeps what the owner wrote, but for what holds builds and says who gets in', () => {
    const written = {
      root: '/elsewhere',
      grpc: { address: ['tcp://0.0.0.0:1'] },
      cdi: { disabled: false },
      'insecure-entitlements': ['security.insecure'],
      worker: { oci: { networkMode: 'bridge', 'max-parallelism': 3 }, containerd: { enabled: true } },
      registry: { 'docker.io': { mirrors: ['mirror.example'] } },
    };
    expect(makeBuildkitConfig(makePool(), written)).toMatchObject({
      ...fixed,
      worker: { oci: { networkMode: 'host', 'max-parallelism': 3 }, containerd: { enabled: false } },
      registry: { 'docker.io': { mirrors: ['mirror.example'] } },
    });
  });

  test('runs as many steps at once as there are cores', () => {
    const pool = makePool({ workers: { resources: { limits: { cpu: '2500m' } } } });
    expect(makeBuildkitConfig(pool, {})).toMatchObject({ worker: { oci: { 'max-parallelism': 3 } } });
  });

  test('collects garbage in bytes, and before the volume is full whatever the owner says', () => {
    const policy = (keepStorage: string, size = '100Gi') =>
      makeBuildkitConfig(
        makePool({
          cache: {
            backends: [{ type: 'local', local: { storageClass: 'fast', size } }],
            gc: { keepStorage, keepDuration: '72h' },
          },
        }),
        {},
      )['worker'];
    expect(policy('10GB')).toMatchObject({
      oci: { gcpolicy: [{ all: true, maxUsedSpace: 10_000_000_000, keepDuration: 259_200 }] },
    });
    expect(policy('1Ti')).toMatchObject({ oci: { gcpolicy: [{ maxUsedSpace: Math.floor(0.8 * 100 * 2 ** 30) }] } });
  });

  test('keeps no history where tenants share a worker', () => {
    expect(makeBuildkitConfig(makePool({ workers: { sharing: 'Pool' } }), {})).toMatchObject({
      history: { maxEntries: 0 },
    });
  });

  test('speaks to a cache without TLS where its owner says so', () => {
    const registry = { endpoint: 'cache.example:5000/builds', insecure: true };
    const pool = makePool({ cache: { backends: [{ type: 'registry', registry }] } });
    expect(makeBuildkitConfig(pool, {})).toMatchObject({
      registry: { 'cache.example:5000': { http: true, insecure: true } },
    });
  });

  test('is TOML that says the same', () => {
    const config = makeBuildkitConfig(makePool({ observability: { logging: { level: 'debug', format: 'json' } } }), {});
    expect(parseToml(formatToml(config))).toEqual({ ok: true, value: config });
  });
});
