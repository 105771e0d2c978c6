import { describe, expect, it } from 'vitest';
import { KubeError } from '../../../adapters/kube/client.ts';
import { createReachability } from '../../../adapters/kube/reachability.ts';
import { reachabilityCacheMs } from '../../../api/limits/kubernetes.ts';

function createWorld(answer: () => Promise<unknown>) {
  let nowMs = 0;
  const paths: string[] = [];
  const call = ({ path }: { readonly path: string }) => {
    paths.push(path);
    return answer();
  };
  return {
    isReachable: createReachability({ call }, () => nowMs),
    paths,
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('the apiserver is reachable', () => {
  it.each([
    [true, 'answers', () => Promise.resolve({})],
    [true, 'is overloaded', () => Promise.reject(new KubeError(429, 'TooManyRequests', ''))],
    [true, 'refuses a right', () => Promise.reject(new KubeError(403, 'Forbidden', ''))],
    [false, 'refuses our token', () => Promise.reject(new KubeError(401, 'Unauthorized', ''))],
    [false, 'does not answer', () => Promise.reject(new KubeError(0, 'Unreachable', ''))],
  ])('(%s) when it %s', async (expected, _, answer) => {
    expect(await createWorld(answer).isReachable()).toBe(expected);
  });

  it('is asked once a second, however many ask us', async () => {
    const { isReachable, paths, wait } = createWorld(() => Promise.resolve({}));
    await Promise.all([isReachable(), isReachable()]);
    wait(reachabilityCacheMs - 1);
    await isReachable();
    expect(paths).toEqual(['/version']);
    wait(1);
    await isReachable();
    expect(paths).toEqual(['/version', '/version']);
  });
});
