/** The only place that reads the process environment. */
import type { KubeClientOptions } from './kube/client.ts';

/** Reads the named variables. @throws {Error} naming every missing one at once. */
export function readVariables<const N extends string>(
  names: readonly N[],
  environment: NodeJS.ProcessEnv = process.env,
): Record<N, string> {
  const missing = names.filter((name) => (environment[name] ?? '') === '');
  if (missing.length > 0) throw new Error(`environment: expected ${missing.join(', ')} to be set`);
  return Object.fromEntries(names.map((name) => [name, environment[name]])) as Record<N, string>;
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The apiserver and ServiceAccount of the Pod this runs in. */
export function inClusterKube(environment: NodeJS.ProcessEnv = process.env): KubeClientOptions {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = readVariables(
    ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'],
    environment,
  );
  return { url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, accountFolder };
}
