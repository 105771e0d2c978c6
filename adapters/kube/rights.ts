/** What the accounts of our parts may do, in the apiserver's own words. */
import { maxParallelRightReviews } from '../../api/limits/doctor.ts';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Right } from '../../core/doctor/observed.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import type { KubeClient } from './client.ts';

/** Those of the rights that their account does not have, in their order. @throws {KubeError} 403 for who may not ask. */
export async function findMissingRights(
  kube: Pick<KubeClient, 'call'>,
  rights: readonly Right[],
): Promise<readonly Right[]> {
  const missing = new Set<Right>();
  await forEachAtOnce(rights, maxParallelRightReviews, async (right) => {
    if (!(await hasRight(kube, right))) missing.add(right);
  });
  return rights.filter((right) => missing.has(right));
}

async function hasRight(kube: Pick<KubeClient, 'call'>, { account, ...attributes }: Right): Promise<boolean> {
  const review = await kube.call({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${SYSTEM_NAMESPACE}:${account}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${SYSTEM_NAMESPACE}`, 'system:authenticated'],
        resourceAttributes: attributes,
      },
    },
  });
  return (review as { status: { allowed: boolean } }).status.allowed;
}
