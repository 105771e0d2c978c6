/** Asks the apiserver to create a worker and not to keep it: it then asks our webhooks, as it would for anybody's. */
import { dryRunTimeoutMs } from '../../api/limits/doctor.ts';
import { GROUP, KINDS, SYSTEM_NAMESPACE, type Version } from '../../api/names.ts';
import type { Answer, Seen } from '../../core/doctor/observed.ts';
import { KubeError, type KubeClient } from './client.ts';

const { kind, plural } = KINDS.worker;

/** Absent where the cluster does not have the kind; hidden from who may not create workers in our namespace. */
export async function dryRunWorker(kube: Pick<KubeClient, 'call'>, version: Version): Promise<Seen<Answer>> {
  const apiVersion = `${GROUP}/${version}`;
  try {
    await kube.call({
      method: 'POST',
      path: `/apis/${apiVersion}/namespaces/${SYSTEM_NAMESPACE}/${plural}`,
      query: { dryRun: 'All' },
      body: { apiVersion, kind, metadata: { generateName: 'doctor-' }, spec: { poolRef: { name: 'doctor' } } },
      timeoutMs: dryRunTimeoutMs,
    });
    return { status: 201, message: '' };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return 'absent';
    if (error.status === 403 && error.message.includes('cannot create resource')) return 'hidden';
    return { status: error.status, message: error.message };
  }
}
