/** What a person asks of the authority: on its Lease, and by a Job made of its CronJob. */
import { AUTHORITY_CRON_JOB, AUTHORITY_LEASE, ROTATE_ANNOTATION, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';

interface CronJob {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly jobTemplate: { readonly metadata?: object; readonly spec: object } };
}

/** The name of the Job, or why there is none. */
export type JobStart = { readonly job: string } | { readonly reason: string };

const namespaced = (group: string, plural: string): string => `/apis/${group}/namespaces/${SYSTEM_NAMESPACE}/${plural}`;
const jobs = namespaced('batch/v1', 'jobs');

/** Leaves the time on the Lease, RFC 3339. False where no authority has ever run. */
export const createRotationRequester =
  (kube: Pick<KubeClient, 'call'>) =>
  async (time: string): Promise<boolean> => {
    const patched = kube.call({
      method: 'PATCH',
      path: `${namespaced('coordination.k8s.io/v1', 'leases')}/${AUTHORITY_LEASE}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { [ROTATE_ANNOTATION]: time } } },
    });
    return (await orUndefined(patched)) !== undefined;
  };

/** Runs the authority now, where a CronJob says how. A caller who may not is told so, and that is no error. */
export const createJobStarter =
  (kube: Pick<KubeClient, 'call'>) =>
  async (suffix: string): Promise<JobStart> => {
    try {
      const path = `${namespaced('batch/v1', 'cronjobs')}/${AUTHORITY_CRON_JOB}`;
      const cronJob = (await orUndefined(kube.call({ path }))) as CronJob | undefined;
      if (cronJob === undefined) return { reason: `there is no CronJob ${AUTHORITY_CRON_JOB}` };
      const job = `${AUTHORITY_CRON_JOB}-${suffix}`;
      await kube.call({ method: 'POST', path: jobs, body: makeJob(cronJob, job) });
      return { job };
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) return { reason: error.message };
      throw error;
    }
  };

/** As `kubectl create job --from=cronjob/...` makes it. */
const makeJob = ({ metadata: { name, uid }, spec: { jobTemplate } }: CronJob, job: string): unknown => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    ...jobTemplate.metadata,
    name: job,
    namespace: SYSTEM_NAMESPACE,
    annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name, uid, controller: true }],
  },
  spec: jobTemplate.spec,
});
