import { expect, it } from 'vitest';
import type { KubeCall } from '../../../adapters/kube/client.ts';
import { describeCall } from '../../../adapters/kube/describe-call.ts';

const ours = '/apis/buildkit.smrt-devops.net/v1beta1';

const calls: readonly [KubeCall, string][] = [
  [{ path: '/version' }, 'get none'],
  [{ path: `${ours}/buildkitpools` }, 'list buildkitpools'],
  [{ path: `${ours}/buildkitpools`, query: { watch: 'true' } }, 'watch buildkitpools'],
  [{ path: `${ours}/namespaces/tenant-a/buildkitpools` }, 'list buildkitpools'],
  [{ path: `${ours}/namespaces/tenant-a/buildkitpools/my-pool` }, 'get buildkitpools'],
  [{ path: `${ours}/namespaces/tenant-a/buildkitpools/my-pool/status`, method: 'PATCH' }, 'patch buildkitpools/status'],
  [{ path: '/api/v1/namespaces' }, 'list namespaces'],
  [{ path: '/api/v1/namespaces/tenant-a' }, 'get namespaces'],
  [{ path: '/api/v1/namespaces/tenant-a/pods' }, 'list pods'],
  [{ path: '/apis/authentication.k8s.io/v1/tokenreviews', method: 'POST' }, 'create tokenreviews'],
  [{ path: '/apis/coordination.k8s.io/v1/namespaces/buildkit-system/leases/a', method: 'PUT' }, 'update leases'],
  [{ path: '/api/v1/namespaces/tenant-a/secrets/a', method: 'DELETE' }, 'delete secrets'],
];

it.each(calls)('describes %o as %s', (call, words) => {
  const { verb, resource } = describeCall(call);
  expect(`${verb} ${resource}`).toBe(words);
});
