/** Every object that lifecycle makes, whole: test/core/lifecycle/objects/ has them as they are written. */
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { makeExposure } from '../../../core/lifecycle/exposure.ts';
import * as gateway from '../../../core/lifecycle/gateway-objects.ts';
import { makeGatewayPolicy } from '../../../core/lifecycle/gateway-policy.ts';
import type { KubeObject } from '../../../core/lifecycle/objects.ts';
import * as workers from '../../../core/lifecycle/worker-objects.ts';
import { makePool, makeWorker } from './observed.ts';

const settings = {
  clusterFqdn: 'test.example',
  image: 'ours@sha256:1',
  buildkitImage: 'buildkit@sha256:2',
  hostnameSuffixes: [],
  urls: { api: 'https://api.test', lifecycle: 'http://lifecycle.test', status: 'http://status.test' },
};

const least = makePool();
const most = makePool({
  workers: {
    image: 'theirs@sha256:3',
    isolation: 'Privileged',
    resources: { limits: { cpu: '2', memory: '4Gi' } },
    egress: { allowedCIDRs: ['10.1.0.0/16'] },
    template: {
      labels: { team: 'a' },
      annotations: { note: 'b' },
      nodeSelector: { disk: 'fast' },
      runtimeClassName: 'kata',
    },
  },
  gateway: {
    image: 'gateway@sha256:4',
    replicas: 3,
    resources: { limits: { memory: '1Gi' } },
    service: { type: 'LoadBalancer', port: 443, annotations: { lb: 'fast' }, allowedCIDRs: ['203.0.113.0/24'] },
    exposure: {
      enabled: true,
      hostname: 'builds.example.com',
      ingress: { enabled: true, ingressClassName: 'nginx' },
      gatewayAPI: { enabled: true, gatewayRef: { name: 'edge', namespace: 'edge-system' } },
    },
  },
  cache: { backends: [{ type: 'local', local: { storageClass: 'fast', size: '100Gi' } }] },
  access: { clients: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } } },
});

const leased: Worker = {
  ...makeWorker({ name: 'worker-1' }),
  spec: {
    ...makeWorker().spec,
    lease: { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' },
  },
};

const listGatewayObjects = (pool: Pool, workerNamespaces: readonly string[] = []): readonly KubeObject[] => [
  ...gateway.makeGatewayAccount(pool),
  gateway.makeGatewayTrust(pool, 'PEM of the roots\n'),
  gateway.makeRoutes(pool, { 'routes.json': '{}' }),
  makeGatewayPolicy(pool, workerNamespaces),
  gateway.makeGatewayBudget(pool),
  gateway.makeGatewayService(pool),
  gateway.makeKeysService(pool),
  gateway.makeGatewayDeployment(pool, settings),
  ...makeExposure(pool).wanted,
];

const listWorkerObjects = (pool: Pool, worker: Worker): readonly KubeObject[] => [
  workers.makeWorkersPolicy(pool, worker.metadata.namespace),
  workers.makeWorkersBudget(pool, worker.metadata.namespace),
  workers.makeWorkerPod({ pool, worker, config: 'root = "/var/lib/buildkit"\n' }, settings),
];

const print = (objects: readonly KubeObject[]): string =>
  objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');

describe('what a pool and its workers have', () => {
  test.each([
    ['gateway-of-an-empty-spec', listGatewayObjects(least)],
    ['gateway-of-a-full-spec', listGatewayObjects(most, ['tenant-a', 'tenant-b'])],
    ['worker-of-an-empty-spec', listWorkerObjects(least, makeWorker({ name: 'worker-1' }))],
    ['worker-of-a-full-spec', listWorkerObjects(most, leased)],
  ])('%s', async (name, objects) => {
    await expect(print(objects)).toMatchFileSnapshot(`objects/${name}.yaml`);
  });
});

test('a gateway counts its connections by its memory, and has a few however little it is', () => {
  const connections = (memory: string): string => {
    const pool = makePool({ gateway: { resources: { limits: { memory } } } });
    return (
      /MAX_CONNECTIONS\\?","value\\?":\\?"(\d+)/.exec(
        JSON.stringify(gateway.makeGatewayDeployment(pool, settings)),
      )?.[1] ?? ''
    );
  };
  expect([connections('128Mi'), connections('512Mi'), connections('2Gi')]).toEqual(['16', '256', '1280']);
});

test('a pool says whose PROXY headers count and where metrics are, and may keep them from everybody', () => {
  const pool = makePool({
    gateway: { proxyProtocolCIDRs: ['10.0.0.0/8', 'fd00::/8'] },
    observability: { metrics: { port: 9100, enabled: false } },
  });
  const text = JSON.stringify(gateway.makeGatewayDeployment(pool, settings));
  expect(text).toContain('{"name":"PROXY_PROTOCOL_CIDRS","value":"10.0.0.0/8,fd00::/8"}');
  expect(text).toContain('{"name":"METRICS_PORT","value":"9100"}');
  expect(text).toContain('{"name":"metrics","containerPort":9100}');
  expect(JSON.stringify(makeGatewayPolicy(pool, []))).not.toContain('metrics');
});

test('a worker has the volume of its pool, whichever of two words asks for it', () => {
  const local = { cache: { backends: [{ type: 'local' as const, local: { storageClass: 'fast', size: '100Gi' } }] } };
  const findVolume = (pool: Pool): unknown => {
    const { spec } = workers.makeWorkerPod({ pool, worker: makeWorker(), config: '' }, settings);
    const { volumes } = spec as { volumes: { name: string; ephemeral?: { volumeClaimTemplate: { spec: unknown } } }[] };
    return volumes.find(({ name }) => name === 'state')?.ephemeral?.volumeClaimTemplate.spec;
  };
  const claim = (storage: string, storageClassName?: string) => ({
    accessModes: ['ReadWriteOnce'],
    ...(storageClassName === undefined ? {} : { storageClassName }),
    resources: { requests: { storage } },
  });
  expect(findVolume(makePool())).toBeUndefined();
  expect(findVolume(makePool(local))).toEqual(claim('100Gi', 'fast'));
  expect(findVolume(makePool({ ...local, workers: { storage: { size: '50Gi' } } }))).toEqual(claim('50Gi'));
});

test('what a pool no longer asks for is listed, so that it can be deleted', () => {
  expect(makeExposure(least).unwanted.map(({ kind }) => kind)).toEqual(['Ingress']);
  const off = makePool({ gateway: { exposure: { gatewayAPI: { enabled: false } } } });
  expect(makeExposure(off).unwanted.map(({ kind }) => kind)).toEqual(['Ingress', 'TLSRoute']);
});

test('nobody outside of the pool’s namespace reaches a gateway that lets no clients in', () => {
  const closed = makePool({ access: { clients: { namespaces: { from: 'None' } } } });
  const { ingress } = makeGatewayPolicy(closed, [])['spec'] as { ingress: { ports: { port: string }[] }[] };
  expect(ingress.map(({ ports }) => ports[0]?.port)).toEqual(['metrics']);
});
