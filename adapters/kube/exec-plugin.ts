/** Programs that log a person in (client.authentication.k8s.io), as the cloud providers have them. */
import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';

export const exec = z.looseObject({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).optional(),
  provideClusterInfo: z.boolean().optional(),
});

interface Surroundings {
  /** Of the kubeconfig: from there a relative command is found, as with kubectl. */
  readonly folder: string;
  readonly server: { readonly server: string; readonly 'tls-server-name'?: string | undefined };
  /** PEM. */
  readonly ca: string | undefined;
}

/** The plugin as the library runs it, which leaves out what the protocol has it told: `KUBERNETES_EXEC_INFO`. */
export function makeExec(plugin: z.infer<typeof exec>, surroundings: Surroundings) {
  const { apiVersion, command, args, env } = plugin;
  const isPath = command.includes('/') && !isAbsolute(command);
  const info = { apiVersion, kind: 'ExecCredential', spec: makeSpec(plugin, surroundings) };
  return {
    apiVersion,
    command: isPath ? resolve(surroundings.folder, command) : command,
    args: args ?? [],
    env: [...(env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  };
}

/** The library gives no terminal to the program. */
function makeSpec({ provideClusterInfo = false }: z.infer<typeof exec>, { server, ca }: Surroundings) {
  if (!provideClusterInfo) return { interactive: false };
  const cluster = {
    server: server.server,
    ...(server['tls-server-name'] === undefined ? {} : { 'tls-server-name': server['tls-server-name'] }),
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
  };
  return { cluster, interactive: false };
}
