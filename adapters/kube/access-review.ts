/** Asks the apiserver whether somebody has a right on a pool. */
import { GROUP, KINDS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import { makeRequester } from '../../core/admission/requester.ts';
import { KubeError, type KubeClient } from './client.ts';

interface ReviewStatus {
  readonly allowed?: boolean;
  readonly denied?: boolean;
  readonly evaluationError?: string;
}

/** The reviewer throws KubeError when the authorizer gave no verdict. */
export const createAccessReviewer =
  (kube: Pick<KubeClient, 'call'>) =>
  async (user: UserInfo, access: PoolAccess): Promise<boolean> => {
    const review = await kube.call({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: makeReview(user, access),
    });
    return judge((review as { status: ReviewStatus }).status);
  };

function makeReview(user: UserInfo, access: PoolAccess): unknown {
  const { username, ...attributes } = makeRequester(user);
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: username,
      ...attributes,
      resourceAttributes: { group: GROUP, resource: KINDS.pool.plural, ...access },
    },
  };
}

function judge(status: ReviewStatus): boolean {
  if (status.denied === true) return false;
  if (status.allowed === true) return true;
  if ((status.evaluationError ?? '') === '') return false;
  throw new KubeError(500, 'EvaluationError', `authorizer gave no verdict: ${status.evaluationError ?? ''}`);
}
