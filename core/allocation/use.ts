/** Whether who holds a certificate may still build on its pool. No I/O. */
import type { Labels } from '../access/label-selector.ts';
import { judgeUse, type UsePorts } from '../access/use.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { namespaceOf } from '../principal.ts';
import { findPrincipal, type NamedPrincipal, type PrincipalPorts } from './principal.ts';

/** Each throws when the apiserver can't say. */
export interface MayUsePorts extends PrincipalPorts, UsePorts {
  /** Undefined where there is no such namespace. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
}

export async function mayUse(named: NamedPrincipal, pool: Pool, ports: MayUsePorts): Promise<boolean> {
  const principal = await findPrincipal(named, pool, ports);
  if (principal === undefined) return false;
  const { namespace: poolNamespace, name } = pool.metadata;
  const namespace = namespaceOf(principal);
  // Labels decide over pools of other namespaces alone.
  const labels =
    namespace === undefined || namespace === poolNamespace ? undefined : await ports.getNamespaceLabels(namespace);
  const origin = namespace === undefined ? {} : { origin: { namespace, labels } };
  const decision = await judgeUse({ namespace: poolNamespace, name }, { principal, ...origin }, ports);
  // A pool that was recreated meanwhile is a different pool.
  return decision.isPermitted && decision.pool?.metadata.uid === pool.metadata.uid;
}
