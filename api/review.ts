/** Verdicts of the apiserver on who somebody is and what they may do, as plain data. */

/** authentication.k8s.io/v1 UserInfo, as the apiserver authenticated it. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Right asked of a SubjectAccessReview on `buildkitpools/<name>`. */
export interface PoolAccess {
  readonly verb: 'attach' | 'use' | 'customize';
  readonly namespace: string;
  readonly name: string;
}
