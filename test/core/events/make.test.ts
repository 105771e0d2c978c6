import { expect, test } from 'vitest';
import { makeEvent, makeResync } from '../../../core/events/make.ts';

test('has the attributes of the ApiServerSource and the whole object', () => {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };
  const object = {
    metadata: { name: 'p-gateway', namespace: 'tenant-a', uid: 'u', resourceVersion: '7' },
    spec: { replicas: 1 },
  };
  const made = makeEvent(deployment, { change: 'delete', object }, { id: 'e-1', source: 'https://10.0.0.1' });
  expect(made.headers).toEqual({
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': 'e-1',
    'ce-source': 'https://10.0.0.1',
    'ce-type': 'dev.knative.apiserver.resource.delete',
    'ce-subject': '/apis/apps/v1/namespaces/tenant-a/deployments/p-gateway',
    'ce-apiversion': 'apps/v1',
    'ce-kind': 'Deployment',
    'ce-name': 'p-gateway',
    'ce-namespace': 'tenant-a',
  });
  expect(JSON.parse(made.body)).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', ...object });
});

test('names no namespace for what has none', () => {
  const namespaces = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' };
  const object = { metadata: { name: 'tenant-a', uid: 'u', resourceVersion: '7' } };
  const { headers } = makeEvent(namespaces, { change: 'add', object }, { id: 'e-1', source: 's' });
  expect(headers).toMatchObject({ 'ce-subject': '/apis/v1/namespaces/tenant-a', 'ce-name': 'tenant-a' });
  expect(Object.keys(headers)).not.toContain('ce-namespace');
});

test('a resync is the ping of a PingSource', () => {
  expect(makeResync({ id: 'e-1', source: 's' })).toEqual({
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'e-1',
      'ce-source': 's',
      'ce-type': 'dev.knative.sources.ping',
    },
    body: '{"resync":"all"}',
  });
});
