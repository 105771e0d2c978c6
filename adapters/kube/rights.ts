/** What the accounts of our parts may do, in the apiserver's own words. */
import { maxParallelRightReviews } from '../../api/limits/doctor.ts';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Right } from '../../core/doctor/observed.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import type { Kube } from './api.ts';
import { reviewAccess } from './review-access.ts';

/** Those of the rights that their account does not have, in their order. @throws {KubeError} 403 for who may not ask. */
export async function findMissingRights(kube: Kube, rights: readonly Right[]): Promise<readonly Right[]> {
  const missing = new Set<Right>();
  await forEachAtOnce(rights, maxParallelRightReviews, async (right) => {
    if (!(await hasRight(kube, right))) missing.add(right);
  });
  return rights.filter((right) => missing.has(right));
}

const hasRight = (kube: Kube, { account, ...resourceAttributes }: Right): Promise<boolean> =>
  reviewAccess(kube, {
    user: `system:serviceaccount:${SYSTEM_NAMESPACE}:${account}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${SYSTEM_NAMESPACE}`, 'system:authenticated'],
    resourceAttributes,
  });
