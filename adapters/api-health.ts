/** Asks our API whether it answers, as a client of it would. */
import { get as getInsecurely } from 'node:http';
import { get } from 'node:https';
import { kubeCallTimeoutMs } from '../api/limits/kubernetes.ts';
import { HEALTH_PATH } from '../api/names.ts';
import type { Answer } from '../core/doctor/observed.ts';

const isLoopback = ({ hostname }: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/** `roots`, PEM, is what its certificate is verified with; the system's CAs where it is empty. Status 0: none came. */
export async function askApi(base: string, roots: string): Promise<Answer> {
  const url = URL.canParse(base) ? new URL(HEALTH_PATH, base) : undefined;
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopback(url))) {
    return { status: 0, message: 'expected https, or http of this machine: clients send their tokens there' };
  }
  const signal = AbortSignal.timeout(kubeCallTimeoutMs);
  return await new Promise((resolve) => {
    const answered = ({ statusCode = 0 }: { readonly statusCode?: number | undefined }) => {
      resolve({ status: statusCode, message: `answered with status ${statusCode}` });
      sent.destroy();
    };
    const options = roots === '' ? { signal } : { signal, ca: roots };
    const sent = url.protocol === 'https:' ? get(url, options, answered) : getInsecurely(url, { signal }, answered);
    sent.once('error', ({ message }) => {
      resolve({ status: 0, message });
    });
  });
}
