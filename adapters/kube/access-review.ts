/** Whether somebody has a right on a pool. */
import { GROUP, KINDS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import { makeRequester } from '../../core/admission/requester.ts';
import type { Kube } from './api.ts';
import { reviewAccess } from './review-access.ts';

/** The reviewer throws KubeError when the authorizer gave no verdict. */
export const createAccessReviewer =
  (kube: Kube) =>
  (userInfo: UserInfo, access: PoolAccess): Promise<boolean> => {
    const { username: user, ...attributes } = makeRequester(userInfo);
    const resourceAttributes = { group: GROUP, resource: KINDS.pool.plural, ...access };
    return reviewAccess(kube, { user, ...attributes, resourceAttributes });
  };
