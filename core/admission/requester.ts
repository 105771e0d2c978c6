/** The stamp: who created an object, in the one form in which it is written, compared and reviewed. No I/O. */
import { maxRequesterBytes } from '../../api/limits/webhooks.ts';
import type { UserInfo } from '../../api/review.ts';
import { requester as requesterSchema } from '../../api/worker-fields.ts';

/** UserInfo as JSON carries it: Go writes an empty list or map as nothing, as null or as empty. */
export interface AuthenticatedUser {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | null | undefined;
  readonly extra?: Readonly<Record<string, readonly string[] | null>> | null | undefined;
}

/** Facts about one token (its id, its Pod, its node), not about the user: they differ from request to request. */
const credentialPrefix = 'authentication.kubernetes.io/';

/**
 * What authenticators of clouds and others tell of one credential or session: it may hold a secret (GKE's
 * `iam.gke.io/user-assertion`), or changes with each login (`accessKeyId` and `sessionName` of EKS). Names that came
 * through headers are in lower case.
 */
const credentialWords = /assertion|access-?key|session|token|secret|passw|credential|signature|private-?key|jti/i;

const isOfCredential = (key: string): boolean => key.startsWith(credentialPrefix) || credentialWords.test(key);

/** Leaves out what is empty, so that two stamps of one user are equal by value. */
export function makeRequester(user: AuthenticatedUser): UserInfo {
  const extra = Object.entries(user.extra ?? {}).flatMap(([key, values]) =>
    isOfCredential(key) || values === null || values.length === 0 ? [] : [[key, values] as const],
  );
  return {
    username: user.username,
    ...((user.uid ?? '') === '' ? {} : { uid: user.uid }),
    ...((user.groups ?? []).length === 0 ? {} : { groups: user.groups }),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  } as UserInfo;
}

/**
 * What is stored. Where it would be too large, name and UID alone: a reference by the same namespace or by a grant needs
 * no groups, and one by a right counts only as far as the right can be reviewed again, which is by what is stored.
 */
export function makeStamp(requester: UserInfo): UserInfo {
  if (isStorable(requester)) return requester;
  const { username, uid } = requester;
  return { username, ...(uid === undefined ? {} : { uid }) };
}

const isStorable = (requester: UserInfo): boolean =>
  new TextEncoder().encode(JSON.stringify(requester)).length <= maxRequesterBytes &&
  requesterSchema.safeParse(requester).success;
