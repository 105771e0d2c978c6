/** What the owner of a pool grants in `spec.access`. No I/O. */
import type { LabelSelector } from '../../api/label-selector.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isSelected, type Labels } from './label-selector.ts';

type Access = Pool['spec']['access'];
type Namespaces = NonNullable<NonNullable<NonNullable<Access>['workers']>['namespaces']>;

export interface Guest {
  readonly poolNamespace: string;
  /** Where the worker or the client lives. */
  readonly namespace: string;
  /** Labels of that namespace. */
  readonly labels: Labels;
}

/**
 * Whether workers of a namespace may join the pool, by its owner's word. The pool's own namespace always may: for
 * workers `None` means `Same`, and so does saying nothing.
 */
export const isGranted = (access: Access, guest: Guest): boolean =>
  guest.namespace === guest.poolNamespace || admits(access?.workers?.namespaces, guest.labels);

/** Whether clients of a namespace may build on the pool, by its owner's word: `None` closes its own namespace too. */
export const isClientGranted = (access: Access, { poolNamespace, namespace, labels }: Guest): boolean =>
  namespace === poolNamespace
    ? access?.clients?.namespaces?.from !== 'None'
    : admits(access?.clients?.namespaces, labels);

/** Whether a namespace with these labels, other than the pool's own, is let in. */
export function admits(namespaces: Namespaces | undefined, labels: Labels): boolean {
  const { from, selector } = namespaces ?? { from: 'Same' };
  switch (from) {
    case 'All':
      return true;
    case 'Selector':
      return selector !== undefined && hasRequirement(selector) && isSelected(selector, labels);
    case 'Same':
    case 'None':
      return false;
  }
}

/** The schema refuses an empty selector; one that came past it opens nothing. */
const hasRequirement = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length > 0;
