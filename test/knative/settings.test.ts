import { expect, test } from 'vitest';
import type { Manifest } from '../../dev/knative/manifests.ts';
import { adapt, ingressClass } from '../../dev/knative/settings.ts';

test('sets what is set in a ConfigMap, and leaves the rest of it', () => {
  const metadata = { namespace: 'knative-serving', name: 'config-network' };
  const adapted = adapt({ kind: 'ConfigMap', metadata, data: { _example: 'text' } });
  expect(adapted['data']).toEqual({ _example: 'text', 'ingress-class': ingressClass });
});

test('does not take one ConfigMap for another of the same name', () => {
  const other: Manifest = { kind: 'ConfigMap', metadata: { namespace: 'other', name: 'config-network' }, data: {} };
  expect(adapt(other)).toEqual(other);
});

test('names the image of each program that a Deployment starts, or tells another to start', () => {
  const container = {
    image: 'ko://knative.dev/eventing/cmd/controller',
    env: [{ name: 'APISERVER_RA_IMAGE', value: 'ko://knative.dev/eventing/cmd/apiserver_receive_adapter' }],
    readinessProbe: { httpGet: { port: 8080 }, initialDelaySeconds: 20 },
  };
  const spec = { replicas: 0, template: { spec: { containers: [container] } } };
  expect(adapt({ kind: 'Deployment', metadata: { name: 'controller' }, spec })['spec']).toEqual({
    replicas: 0,
    template: {
      spec: {
        containers: [
          {
            image: 'dev.local/knative.dev/eventing/cmd/controller:built',
            env: [
              {
                name: 'APISERVER_RA_IMAGE',
                value: 'dev.local/knative.dev/eventing/cmd/apiserver_receive_adapter:built',
              },
            ],
            readinessProbe: { httpGet: { port: 8080 }, initialDelaySeconds: 0, periodSeconds: 1 },
            resources: { requests: { cpu: '10m', memory: '32Mi' } },
          },
        ],
      },
    },
  });
});
