/** Objects as they are stored, as all parts read them. No I/O. */
import { poolSpec, type EffectiveSpec, type Pool } from '../../api/v1beta1/pool.ts';
import { maxShownFaultLength } from '../../api/limits/messages.ts';
import { member } from '../json.ts';
import { effective } from './effective.ts';
import { formatField, type SpecIssue } from './parse.ts';

/**
 * A pool, whatever it holds. The apiserver refuses what our schema does not take; where a spec can't be read all the
 * same, the pool says so, and lets nobody in: what can't be read is never taken for absent.
 */
export function readPool(object: unknown): Pool {
  const { metadata, status } = object as Pick<Pool, 'metadata' | 'status'>;
  const { success, data, error } = poolSpec.safeParse(member(object, 'spec') ?? {});
  return {
    metadata,
    ...(status === undefined ? {} : { status }),
    ...(success ? { spec: effective(data) } : { spec: closed, fault: describeFault(error.issues) }),
  };
}

/** Nobody may join it or build on it, and no certificate for it counts, whenever it was issued. */
const closed: EffectiveSpec = {
  access: {
    workers: { namespaces: { from: 'None' } },
    clients: { namespaces: { from: 'None' } },
    revokedBefore: '9999-12-31T23:59:59Z',
  },
};

/** `<field>: <what was expected>` of the first one. */
const describeFault = ([issue]: readonly SpecIssue[]): string =>
  `${formatField(['spec', ...(issue?.path ?? [])])}: ${issue?.message ?? 'expected what the schema says'}`.slice(
    0,
    maxShownFaultLength,
  );
