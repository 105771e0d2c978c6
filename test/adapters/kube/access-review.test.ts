import { describe, expect, it } from 'vitest';
import { createAccessReviewer } from '../../../adapters/kube/access-review.ts';
import { KubeError, type KubeCall, type KubeClient } from '../../../adapters/kube/client.ts';

const access = { verb: 'attach', namespace: 'buildkit-system', name: 'shared-pool' } as const;

/** An apiserver with one answer to everything. */
function makeReviewer(status: object) {
  const calls: KubeCall[] = [];
  const call = (call: KubeCall) => Promise.resolve(calls.push(call) === 0 ? undefined : { status });
  const kube: Pick<KubeClient, 'call'> = { call };
  return { review: createAccessReviewer(kube), calls };
}

describe('an access review', () => {
  it('asks about the whole user but not about the token', async () => {
    const { review, calls } = makeReviewer({ allowed: true });
    const extra = { team: ['blue'], 'authentication.kubernetes.io/node-name': ['n'] };
    await review({ username: 'dev', uid: '42', groups: ['tenants'], extra }, access);
    expect(calls).toEqual([
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: 'dev',
            uid: '42',
            groups: ['tenants'],
            extra: { team: ['blue'] },
            resourceAttributes: {
              group: 'buildkit.smrt-devops.net',
              resource: 'buildkitpools',
              verb: 'attach',
              namespace: 'buildkit-system',
              name: 'shared-pool',
            },
          },
        },
      },
    ]);
  });

  it.each([
    [{ allowed: true }, true],
    [{ allowed: true, evaluationError: 'one of two authorizers is away' }, true],
    [{ allowed: false }, false],
    [{ allowed: false, denied: true, evaluationError: 'x' }, false],
    [{ allowed: true, denied: true }, false],
    [{}, false],
  ])('answers that %j means %s', async (status, verdict) => {
    expect(await makeReviewer(status).review({ username: 'dev' }, access)).toBe(verdict);
  });

  it('rejects when the apiserver gives no verdict', async () => {
    const { review } = makeReviewer({ allowed: false, evaluationError: 'webhook authorizer is away' });
    await expect(review({ username: 'dev' }, access)).rejects.toThrow(
      new KubeError(500, 'EvaluationError', 'authorizer gave no verdict: webhook authorizer is away'),
    );
  });
});
