/** The stamp: who created an object, in the one form in which it is written, compared and reviewed. */
import type { UserInfo } from '../../api/review.ts';

/** UserInfo as JSON carries it: Go writes an empty list or map as nothing, as null or as empty. */
export interface AuthenticatedUser {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | null | undefined;
  readonly extra?: Readonly<Record<string, readonly string[] | null>> | null | undefined;
}

/** Facts about one token (its id, its Pod, its node), not about the user: they differ from request to request. */
const credentialPrefix = 'authentication.kubernetes.io/';

/** Leaves out what is empty, so that two stamps of one user are equal by value. */
export function makeRequester(user: AuthenticatedUser): UserInfo {
  const extra = Object.entries(user.extra ?? {}).flatMap(([key, values]) =>
    key.startsWith(credentialPrefix) || values === null || values.length === 0 ? [] : [[key, values] as const],
  );
  return {
    username: user.username,
    ...((user.uid ?? '') === '' ? {} : { uid: user.uid }),
    ...((user.groups ?? []).length === 0 ? {} : { groups: user.groups }),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  } as UserInfo;
}
