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
