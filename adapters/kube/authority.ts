/** What a person asks of the authority: on its Lease, and by a Job made of its CronJob. */
import { AUTHORITY_CRON_JOB, AUTHORITY_LEASE, ROTATE_ANNOTATION, SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { V1CronJob } from '@kubernetes/client-node';
import type { Kube } from './api.ts';
import { KubeError, orUndefined } from './errors.ts';
import type { Json } from './json.ts';
import { cronJobs, jobs, leases } from './resources.ts';

/** The name of the Job, or why there is none. */
export type JobStart = { readonly job: string } | { readonly reason: string };

const keyOf = (name: string) => ({ namespace: SYSTEM_NAMESPACE, name });

/** Leaves the time on the Lease, RFC 3339. False where no authority has ever run. */
export const createRotationRequester =
  (kube: Kube) =>
  async (time: string): Promise<boolean> => {
    const change = { metadata: { annotations: { [ROTATE_ANNOTATION]: time } } };
    return (await orUndefined(leases(kube).patch(keyOf(AUTHORITY_LEASE), change))) !== undefined;
  };

/** Runs the authority now, where a CronJob says how. A caller who may not is told so, and that is no error. */
export const createJobStarter =
  (kube: Kube) =>
  async (suffix: string): Promise<JobStart> => {
    try {
      const cronJob = await cronJobs(kube).get(keyOf(AUTHORITY_CRON_JOB));
      if (cronJob === undefined) return { reason: `there is no CronJob ${AUTHORITY_CRON_JOB}` };
      const job = `${AUTHORITY_CRON_JOB}-${suffix}`;
      await jobs(kube).create(makeJob(cronJob, job));
      return { job };
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) return { reason: error.message };
      throw error;
    }
  };

/** As `kubectl create job --from=cronjob/...` makes it. */
function makeJob({ metadata, spec }: Json<V1CronJob>, job: string) {
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', controller: true };
  return {
    metadata: {
      ...spec.jobTemplate.metadata,
      ...keyOf(job),
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [{ ...owner, name: AUTHORITY_CRON_JOB, uid: metadata?.uid ?? '' }],
    },
    ...(spec.jobTemplate.spec === undefined ? {} : { spec: spec.jobTemplate.spec }),
  };
}
