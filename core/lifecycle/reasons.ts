/** The condition of a worker that lifecycle writes: what clients may compare, so no reason changes its meaning. */

export const RESOLVED_REFS = 'ResolvedRefs';

export const REFERENCE_REASONS = {
  /** True: worker and pool are in one namespace. */
  sameNamespace: 'SameNamespace',
  /** True: the owner of the pool lets the worker's namespace in. */
  granted: 'Granted',
  /** True: whoever created the worker may attach to the pool. */
  authorized: 'Authorized',
  /** False: nothing permits the reference, whether the pool exists or not. */
  refNotPermitted: 'RefNotPermitted',
  /** False: the reference is permitted, and the pool does not exist. */
  poolNotFound: 'PoolNotFound',
  /** False: only the right of the creator permits the reference, and it was given for an earlier pool of that name. */
  poolRecreated: 'PoolRecreated',
} as const;

/** Whether the worker takes builds. */
export const READY = 'Ready';

export const WORKER_REASONS = {
  /** True: buildkitd answers. */
  serving: 'Serving',
  /** False: no Pod is made yet, or the reference does not count. */
  noPod: 'NoPod',
  /** False: the Pod is starting. */
  starting: 'Starting',
  /** False: buildkitd has not answered in the time that a start may take. */
  startTimeout: 'StartTimeout',
  /** False: it served and did not answer its last probe. */
  notReady: 'NotReady',
  /** False: the Pod is being deleted. */
  ending: 'Terminating',
  /** False: no node takes the Pod. */
  unschedulable: 'Unschedulable',
  /** False: an image can't be had. */
  imagePull: 'ImagePullFailed',
  /** False: the node does not begin: it may support no user namespaces. */
  noSandbox: 'SandboxNotStarted',
  /** False: killed for its memory. */
  outOfMemory: 'OutOfMemory',
  /** False: a container ended. */
  podFailed: 'PodFailed',
  /** False: a quota of the namespace is used up. */
  quota: 'QuotaExceeded',
  /** False: the namespace's PodSecurity level does not permit builds. */
  podSecurity: 'PodSecurityForbidden',
  /** False: the apiserver refuses the Pod for another reason. */
  podRefused: 'PodRefused',
  /** False: a Pod that is not ours has the worker's name. */
  nameConflict: 'NameConflict',
} as const;
