/** Who loses a pool when its owner lets fewer in, and who is left when it goes. No I/O. */
import { NAMESPACE_NAME_LABEL } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isGranted } from '../access/grant.ts';
import { listSelectedKeys, type Labels } from '../access/label-selector.ts';
import { isSameJson } from '../json.ts';

export type Access = Pool['spec']['access'];

/** Workers that refer to a pool. */
export interface Referrers {
  /** The namespace of each. */
  readonly namespaces: readonly string[];
  /** Whether these are all. */
  readonly isComplete: boolean;
}

export interface Change {
  readonly poolNamespace: string;
  readonly before: Access;
  readonly after: Access;
}

/** Whether somebody may lose the pool by this change: a grant was there, and it is another or none now. */
export function isNarrowing({ before, after }: Change): boolean {
  const [old, next] = [before?.workers?.namespaces, after?.workers?.namespaces];
  return (old?.from === 'All' || old?.from === 'Selector') && next?.from !== 'All' && !isSameJson(old, next);
}

/** Whether the labels of namespaces decide, or their names alone. */
export const dependsOnLabels = ({ before, after }: Change): boolean =>
  [before, after].some((access) => {
    const selector = access?.workers?.namespaces?.selector;
    return selector !== undefined && listSelectedKeys(selector).some((key) => key !== NAMESPACE_NAME_LABEL);
  });

/** The workers that were let in and no longer are, by the owner's word alone. */
export function listLosers(
  { namespaces, isComplete }: Referrers,
  { poolNamespace, before, after }: Change,
  labelsOf: ReadonlyMap<string, Labels>,
): Referrers {
  const losesAccess = (namespace: string): boolean => {
    const labels = labelsOf.get(namespace) ?? { [NAMESPACE_NAME_LABEL]: namespace };
    const guest = { poolNamespace, namespace, labels };
    return isGranted(before, guest) && !isGranted(after, guest);
  };
  return { namespaces: namespaces.filter(losesAccess), isComplete };
}

/** `2 workers in 1 namespace`; undefined where there is none. */
export function countReferrers({ namespaces, isComplete }: Referrers): string | undefined {
  const workers = namespaces.length;
  if (workers === 0) return undefined;
  const distinct = new Set(namespaces).size;
  return `${isComplete ? '' : 'at least '}${plural(workers, 'worker')} in ${plural(distinct, 'namespace')}`;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
