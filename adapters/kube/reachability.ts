/** Whether the apiserver can be asked at all. */
import { reachabilityCacheMs } from '../../api/limits/kubernetes.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';

/**
 * False where no answer comes, or our token is not taken. Any other answer is one: a right that we lack, or an
 * overload, is the same for every instance, and no other would do better.
 */
export function createReachability(kube: Kube, now: () => number): () => Promise<boolean> {
  let askedAt = -Infinity;
  let answer: Promise<boolean> | undefined;
  return () => {
    if (answer !== undefined && now() - askedAt < reachabilityCacheMs) return answer;
    askedAt = now();
    return (answer = ask(kube));
  };
}

async function ask(kube: Kube): Promise<boolean> {
  try {
    await kube.call({ path: '/version' });
    return true;
  } catch (error) {
    if (error instanceof KubeError) return error.status !== 0 && error.status !== 401;
    throw error;
  }
}
