/** A client whose calls share one time. */
import { kubeCallTimeoutMs } from '../../api/limits/kubernetes.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';

/** From now on, all calls together end within this time: what is not answered by then fails with a KubeError. */
export function limitCalls(kube: Kube, mostMs: number): Kube {
  const endMs = performance.now() + mostMs;
  return {
    call: async (call) => {
      const leftMs = Math.floor(endMs - performance.now());
      if (leftMs <= 0) throw new KubeError(0, 'Unreachable', `apiserver not asked: ${mostMs} ms are over`);
      return await kube.call({ ...call, timeoutMs: Math.min(leftMs, kubeCallTimeoutMs) });
    },
  };
}
