/** metav1.LabelSelector and its parts, bounded. */
import * as z from 'zod';
import { boundedRecord } from './fields.ts';
import { maxLabelKeyLength, maxLabelValueLength } from './limits/fields.ts';
import { withRules } from './rule.ts';

/** Qualified name: an optional DNS subdomain and a slash before the name. */
export const labelKey = (description: string) =>
  z
    .string()
    .min(1)
    .max(maxLabelKeyLength)
    .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
    .meta({ expected: 'a label key such as kubernetes.io/os' })
    .describe(description);

export const labelValue = (description: string) =>
  z
    .string()
    .max(maxLabelValueLength)
    .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/)
    .meta({ expected: 'a label value of letters, digits, -, _ and .' })
    .describe(description);

export const labels = (maximum: number, description: string) =>
  boundedRecord(labelValue('Value of the label.'), { max: maximum }).describe(description);

const hasValues = ({ values }: { values?: string[] | undefined }): boolean => values !== undefined && values.length > 0;

const requirement = withRules(
  z.object({
    key: labelKey('Key of the label.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How key and values relate.'),
    values: z.array(labelValue('A value.')).max(16).optional().describe('Values; only for In and NotIn.'),
  }),
  {
    cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    message: 'expected values for In and NotIn, and none otherwise',
    holds: (value) => ['In', 'NotIn'].includes(value.operator) === hasValues(value),
  },
).describe('One requirement.');

export const labelSelector = (description: string) =>
  z
    .object({
      matchLabels: labels(8, 'Labels that must be there with these values.'),
      matchExpressions: z.array(requirement).max(8).describe('Requirements; all must hold.'),
    })
    .partial()
    .describe(description);
export type LabelSelector = z.infer<ReturnType<typeof labelSelector>>;
