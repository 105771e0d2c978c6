import { expect, test } from 'vitest';
import { isAcknowledged, isOfClass, makeRoutes, makeStatus, type Ingress } from '../../dev/knative/routes.ts';

const host = 'buildkit-api.buildkit-system.svc.cluster.local';
const split = (revision: string, percent?: number) => ({
  serviceNamespace: 'buildkit-system',
  serviceName: revision,
  servicePort: 80,
  ...(percent === undefined ? {} : { percent }),
  appendHeaders: { 'Knative-Serving-Namespace': 'buildkit-system', 'Knative-Serving-Revision': revision },
});

const makeIngress = (splits: ReturnType<typeof split>[], status?: Ingress['status']): Ingress => ({
  metadata: {
    namespace: 'buildkit-system',
    name: 'buildkit-api',
    generation: 2,
    annotations: { 'networking.knative.dev/ingress.class': 'ours' },
  },
  spec: { rules: [{ hosts: [host], http: { paths: [{ headers: { tag: {} }, splits: [] }, { splits }] } }] },
  ...(status === undefined ? {} : { status }),
});

test('leads a host to the revision of its only split, with the headers the activator needs', () => {
  expect(makeRoutes([makeIngress([split('api-1')])])).toEqual(
    new Map([
      [
        host,
        {
          service: { namespace: 'buildkit-system', name: 'api-1', port: 80 },
          headers: { 'Knative-Serving-Namespace': 'buildkit-system', 'Knative-Serving-Revision': 'api-1' },
        },
      ],
    ]),
  );
});

test('leads split traffic where most of it should go', () => {
  const routes = makeRoutes([makeIngress([split('api-1', 10), split('api-2', 90)])]);
  expect(routes.get(host)?.service.name).toBe('api-2');
});

test('leaves Ingresses of other classes alone', () => {
  expect(isOfClass(makeIngress([]), 'ours')).toBe(true);
  expect(isOfClass(makeIngress([]), 'theirs')).toBe(false);
});

test('acknowledges a generation once', () => {
  const acknowledged = makeStatus(makeIngress([]), '10.0.0.1', new Date(0)) as NonNullable<Ingress['status']>;
  expect(isAcknowledged(makeIngress([]))).toBe(false);
  expect(isAcknowledged(makeIngress([], acknowledged))).toBe(true);
  expect(isAcknowledged(makeIngress([], { ...acknowledged, observedGeneration: 1 }))).toBe(false);
});
