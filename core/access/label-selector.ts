/** metav1.LabelSelector (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/). No I/O. */
import type { LabelSelector } from '../../api/label-selector.ts';

export type Labels = Readonly<Record<string, string>>;

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

/** Whether all requirements hold; a selector without any selects everything. */
export const isSelected = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => read(labels, key) === value) &&
  matchExpressions.every((requirement) => holds(requirement, read(labels, requirement.key)));

/** `NotIn` holds for a label that is absent, too. */
function holds({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

const read = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

export const listSelectedKeys = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly string[] => [
  ...new Set([...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)]),
];
