/** What a pool says of the Pods of its workers: both versions say it alike, in `spec.workers`. */
import * as z from 'zod';
import { boundedRecord, cidrs, text } from './fields.ts';
import { objectName, quantity } from './formats.ts';
import { labels, labelValue } from './label-selector.ts';
import { affinity, tolerations } from './placement.ts';

export const template = z
  .object({
    labels: labels(32, 'Labels of the Pods, beside ours.'),
    annotations: boundedRecord(text(1024, 'Value of the annotation.'), { max: 16 }).describe(
      'Annotations of the Pods.',
    ),
    nodeSelector: boundedRecord(labelValue('Value of the label.'), { max: 16 }).describe('Labels a node must have.'),
    tolerations,
    affinity,
    runtimeClassName: objectName('RuntimeClass of the Pods.'),
    priorityClassName: objectName('PriorityClass of the Pods.'),
  })
  .partial()
  .describe('What the Pods of workers have beside what we give them.');

export const isolation = z
  .enum(['UserNamespace', 'Privileged'])
  .describe('How the build container is held; UserNamespace when absent.');

export const sharing = z
  .enum(['Domain', 'Pool'])
  .describe('Who may get a worker that was used before: the same trust domain (when absent), or all of the pool.');

export const egress = z
  .object({ allowedCIDRs: cidrs('Cluster, private or link-local addresses that builds may reach.') })
  .partial()
  .describe('Where builds may connect to beside DNS and the outside world.');

export const storage = z
  .object({
    size: quantity('Size of the volume.'),
    storageClassName: objectName("StorageClass of the volume; the cluster's own when absent.").optional(),
  })
  .describe('A volume for each worker, which goes with its Pod; an emptyDir when absent.');
