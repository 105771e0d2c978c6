import { expect, test } from 'vitest';
import { gatewayServerOf, isClaimable, listLostHostnames } from '../../../core/lifecycle/gateway-names.ts';
import { makePool } from './observed.ts';

const hostnameSuffixes = [{ namespace: 'buildkit-system', suffix: 'builds.example.com' }];
const own = [
  'shared-pool',
  'shared-pool.buildkit-system',
  'shared-pool.buildkit-system.svc',
  'shared-pool.buildkit-system.svc.cluster.local',
  'localhost',
];

test('a gateway shows the names of its Service, and what its namespace may claim', () => {
  const exposure = { hostname: 'shared.builds.example.com', ingress: { hostname: 'other.example.com' } };
  const pool = makePool({
    gateway: { exposure },
    certificates: { server: { ttl: '1h', organization: 'Builds' } },
  });
  expect(gatewayServerOf(pool, { hostnameSuffixes }, [])).toEqual({
    organization: 'Builds',
    ttlSeconds: 3600,
    hostnames: [...own, 'shared.builds.example.com'],
  });
  expect(gatewayServerOf(pool, { hostnameSuffixes: [] }, []).hostnames).toEqual(own);
});

test.each([
  'buildkit-api.buildkit-system.svc',
  'buildkit-api.buildkit-system.svc.cluster.local',
  'x.localhost',
  'localhost',
  'evil-builds.example.com',
  'example.com',
])('nobody may claim %s', (hostname) => {
  const everything = [
    ...hostnameSuffixes,
    ...['svc', 'cluster.local', 'localhost'].map((suffix) => ({ namespace: '*', suffix })),
  ];
  expect(isClaimable(hostname, 'buildkit-system', { hostnameSuffixes: everything })).toBe(false);
});

test('a namespace may not claim the names of another', () => {
  expect(isClaimable('a.builds.example.com', 'tenant-a', { hostnameSuffixes })).toBe(false);
  expect(isClaimable('builds.example.com', 'buildkit-system', { hostnameSuffixes })).toBe(true);
});

test('the oldest pool that may claim a hostname has it, and the others hear that they lost it', () => {
  const hostname = 'shared.builds.example.com';
  const claiming = (name: string, creationTimestamp: string, namespace = 'buildkit-system') =>
    makePool({ gateway: { exposure: { hostname } } }, { name, namespace, uid: `uid-of-${name}`, creationTimestamp });
  const settings = { hostnameSuffixes };
  const [first, second, twin] = [
    claiming('first', '2026-01-01T00:00:00Z'),
    claiming('second', '2026-01-02T00:00:00Z'),
    claiming('twin', '2026-01-02T00:00:00Z'),
  ];
  const all = [twin, second, first, claiming('foreign', '2025-01-01T00:00:00Z', 'tenant-a')];
  const holders = all.filter((pool) => gatewayServerOf(pool, settings, all).hostnames.includes(hostname));
  expect(holders).toEqual([first]);
  expect([first, second, twin].map((pool) => listLostHostnames(pool, settings, all))).toEqual([
    [],
    [hostname],
    [hostname],
  ]);
  expect(gatewayServerOf(second, settings, [twin, second]).hostnames).toContain(hostname);
});
