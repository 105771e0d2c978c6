/** Names of ServiceAccounts as the apiserver authenticates them. No I/O. */
import type { UserInfo } from '../../api/review.ts';

const username = /^system:serviceaccount:([^:]+):[^:]+$/;

/** The namespace of a ServiceAccount; undefined for every other principal. */
export const namespaceOf = (user: UserInfo): string | undefined => username.exec(user.username)?.[1];
