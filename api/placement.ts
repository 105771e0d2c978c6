/** The parts of core/v1 PodSpec that say where a worker's Pod may run, bounded. */
import * as z from 'zod';
import { int32, namespaceName } from './fields.ts';
import { labelKey, labelSelector, labelValue } from './label-selector.ts';
import { withRules } from './rule.ts';

export const tolerations = z
  .array(
    z
      .object({
        key: labelKey('Taint that is tolerated; every taint when absent.'),
        operator: z.enum(['Equal', 'Exists']).describe('How key and value relate; Equal when absent.'),
        value: labelValue('Value of the taint, for Equal.'),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).describe('Effect; every effect when absent.'),
        tolerationSeconds: z
          .int()
          .min(0)
          .max(Number.MAX_SAFE_INTEGER)
          .meta({ format: 'int64' })
          .describe('How long NoExecute is tolerated, in seconds; for ever when absent.'),
      })
      .partial()
      .describe('One toleration.'),
  )
  .max(16)
  .describe('Taints of nodes that workers tolerate.');

const needsValues = new Set(['In', 'NotIn', 'Gt', 'Lt']);

const nodeRequirement = withRules(
  z.object({
    key: labelKey('Key of the label.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']).describe('How key and values relate.'),
    values: z.array(labelValue('A value.')).max(16).optional().describe('Values; one integer for Gt and Lt.'),
  }),
  {
    cel: "(self.operator in ['In', 'NotIn', 'Gt', 'Lt']) == (has(self.values) && size(self.values) > 0)",
    message: 'expected values for In, NotIn, Gt and Lt, and none otherwise',
    holds: ({ operator, values = [] }) => needsValues.has(operator) === values.length > 0,
  },
).describe('One requirement.');

const nodeSelectorTerm = z
  .object({
    matchExpressions: z.array(nodeRequirement).max(8).describe("Requirements on the node's labels."),
    matchFields: z.array(nodeRequirement).max(2).describe("Requirements on the node's fields."),
  })
  .partial()
  .describe('Requirements; all must hold.');

const weight = int32(1, 100, 'How much it counts.');

const nodeAffinity = z
  .object({
    requiredDuringSchedulingIgnoredDuringExecution: z
      .object({
        nodeSelectorTerms: z.array(nodeSelectorTerm).min(1).max(8).describe('Terms; one must hold.'),
      })
      .describe('Nodes that are allowed.'),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(z.object({ weight, preference: nodeSelectorTerm }).describe('One preference.'))
      .max(8)
      .describe('Nodes that are preferred.'),
  })
  .partial()
  .describe('Nodes by their labels.');

const podAffinityTerm = z
  .object({
    topologyKey: labelKey('Label of nodes that makes them one place.'),
    labelSelector: labelSelector('Pods by their labels.').optional(),
    namespaceSelector: labelSelector('Namespaces of the Pods.').optional(),
    namespaces: z.array(namespaceName('Namespace.')).max(16).optional().describe('Namespaces of the Pods, by name.'),
    matchLabelKeys: z.array(labelKey('Key.')).max(8).optional().describe('Labels of the own Pod that must match.'),
    mismatchLabelKeys: z.array(labelKey('Key.')).max(8).optional().describe('Labels of the own Pod that must differ.'),
  })
  .describe('Pods that share a place.');

const podAffinityTerms = (description: string) =>
  z
    .object({
      requiredDuringSchedulingIgnoredDuringExecution: z.array(podAffinityTerm).max(4).describe('Terms; all must hold.'),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(z.object({ weight, podAffinityTerm }).describe('One preference.'))
        .max(4)
        .describe('Terms that are preferred.'),
    })
    .partial()
    .describe(description);

/** core/v1 Affinity. */
export const affinity = z
  .object({
    nodeAffinity,
    podAffinity: podAffinityTerms('Near which Pods.'),
    podAntiAffinity: podAffinityTerms('Away from which Pods.'),
  })
  .partial()
  .describe('Where the scheduler may put workers.');
