/** Asks the apiserver to create a worker and not to keep it: it then asks our webhooks, as it would for anybody's. */
import { dryRunTimeoutMs } from '../../api/limits/doctor.ts';
import { GROUP, KINDS, SYSTEM_NAMESPACE, type Version } from '../../api/names.ts';
import type { Answer, Lookup } from '../../core/doctor/observed.ts';
import { CustomObjectsApi } from '#client-node';
import { apiOf, type Kube } from './api.ts';
import { KubeError } from './errors.ts';

const { kind, plural } = KINDS.worker;

/** Absent where the cluster does not have the kind; hidden from who may not create workers in our namespace. */
export async function dryRunWorker(kube: Kube, version: Version): Promise<Lookup<Answer>> {
  const apiVersion = `${GROUP}/${version}`;
  try {
    const api = apiOf(kube, CustomObjectsApi, { timeoutMs: dryRunTimeoutMs });
    const body = { apiVersion, kind, metadata: { generateName: 'doctor-' }, spec: { poolRef: { name: 'doctor' } } };
    await api.createNamespacedCustomObject({
      group: GROUP,
      version,
      namespace: SYSTEM_NAMESPACE,
      plural,
      dryRun: 'All',
      body,
    });
    return { status: 201, message: '' };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return 'absent';
    if (error.status === 403 && error.message.includes('cannot create resource')) return 'hidden';
    return { status: error.status, message: error.message };
  }
}
