/** The processes of the system on this machine: what each is told, and how it is started. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CA_SECRETS, LIFECYCLE_EVENTS_PATH, PROBE_PATHS, STATUS_EVENTS_PATH, SYSTEM_NAMESPACE } from '../api/names.ts';
import { startChild, type Child, type Exit } from './child.ts';

const root = join(import.meta.dirname, '..');

/** There is no cluster here to be named by, and certificates need a name. */
export const developmentFqdn = 'dev.buildkit.internal';

export interface Part {
  readonly name: string;
  /** A module for Node, of this checkout unless its path is absolute, or the absolute path of another program. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly readyUrl?: string;
  readonly caFile?: string;
}

export interface FunctionSettings {
  readonly mounts: string;
  readonly kubeUrl: string;
  readonly port: number;
}

export interface PartSettings extends FunctionSettings {
  /** Where the bridge answers probes. */
  readonly bridgePort: number;
}

const kubeVariables = ({ mounts, kubeUrl }: FunctionSettings, account: string) => ({
  KUBERNETES_SERVICE_HOST: new URL(kubeUrl).hostname,
  KUBERNETES_SERVICE_PORT: new URL(kubeUrl).port,
  ACCOUNT_FOLDER: join(mounts, account),
});

/** Two processes on one port, so that one can be restarted; one where the kernel does not share ports like that. */
export const webhooksParts = (settings: FunctionSettings): Part[] =>
  process.platform === 'linux'
    ? ['webhooks-1', 'webhooks-2'].map((name) => webhooksPart(name, settings, { REUSE_PORT: 'true' }))
    : [webhooksPart('webhooks', settings, {})];

const webhooksPart = (name: string, settings: FunctionSettings, sharing: Readonly<Record<string, string>>): Part => ({
  name,
  file: 'webhooks/main.ts',
  environment: {
    ...kubeVariables(settings, 'buildkit-webhooks'),
    ...sharing,
    HOST: '127.0.0.1',
    PORT: String(settings.port),
    TLS_FOLDER: join(settings.mounts, 'buildkit-webhook-tls'),
    COUNT_ATTACH: 'on',
    // As in the Deployment, whose memory limit it keeps.
    NODE_OPTIONS: '--max-old-space-size=512',
  },
  readyUrl: `https://127.0.0.1:${settings.port}/readyz`,
  caFile: join(settings.mounts, 'buildkit-webhook-ca/tls.crt'),
});

/** `making`: lifecycle makes Pods and gateways, which no node here runs. */
export const functionsPart = (settings: FunctionSettings, making: 'on' | 'off' = 'off'): Part => ({
  name: 'functions',
  file: 'dev/functions.ts',
  environment: {
    KUBERNETES_URL: settings.kubeUrl,
    MOUNTS: settings.mounts,
    PORT: String(settings.port),
    CLUSTER_FQDN: developmentFqdn,
    MAKE_PODS: making,
    CA_FOLDER: join(settings.mounts, CA_SECRETS.servers),
    IMAGE: developmentImages.ours,
    BUILDKIT_IMAGE: developmentImages.buildkit,
    API_URL: `http://127.0.0.1:${settings.port}`,
    LIFECYCLE_URL: `http://127.0.0.1:${settings.port}`,
    STATUS_URL: `http://127.0.0.1:${settings.port}`,
  },
  readyUrl: `http://127.0.0.1:${settings.port}/readyz`,
});

/** Names of images that nobody pulls here. */
export const developmentImages = { ours: 'buildkit-controller:dev', buildkit: 'buildkit:dev' } as const;

/** The functions as a cluster runs them: each a process of its own, here at its own port. */
export const statusPart = (settings: FunctionSettings, senders: readonly string[]): Part => ({
  name: 'status',
  file: 'functions/status/main.ts',
  environment: {
    ...functionVariables(settings, 'buildkit-status'),
    EVENT_SENDERS: senders.join(','),
    // As in the Deployment, whose memory limit it keeps.
    NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=4',
  },
  readyUrl: `http://127.0.0.1:${settings.port}/readyz`,
});

export const lifecyclePart = (settings: FunctionSettings, senders: readonly string[]): Part => ({
  name: 'lifecycle',
  file: 'functions/lifecycle/main.ts',
  environment: {
    ...functionVariables(settings, 'buildkit-lifecycle'),
    EVENT_SENDERS: senders.join(','),
    COUNT_ATTACH: 'on',
    MAKE_PODS: 'off',
  },
  readyUrl: `http://127.0.0.1:${settings.port}/readyz`,
});

export const apiPart = (settings: FunctionSettings): Part => ({
  name: 'api',
  file: 'functions/api/main.ts',
  environment: {
    ...functionVariables(settings, 'buildkit-controller'),
    CLUSTER_FQDN: developmentFqdn,
    CA_FOLDER: join(settings.mounts, CA_SECRETS.clients),
  },
  readyUrl: `http://127.0.0.1:${settings.port}/readyz`,
});

/** Ends when the keys are as they should be. */
export const authorityPart = (settings: FunctionSettings): Part => ({
  name: 'authority',
  file: 'functions/authority/main.ts',
  environment: { ...kubeVariables(settings, 'buildkit-authority'), CLUSTER_FQDN: developmentFqdn },
});

const functionVariables = (settings: FunctionSettings, account: string) => ({
  ...kubeVariables(settings, account),
  HOST: '127.0.0.1',
  PORT: String(settings.port),
  PRIVATE_ISSUERS: 'off',
});

/** The user whose token the bridge sends. */
export const bridgeUser = `system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-bridge`;

export const bridgePart = (settings: PartSettings, lifecyclePort = settings.port): Part => ({
  name: 'bridge',
  file: 'functions/bridge/main.ts',
  environment: {
    ...kubeVariables(settings, 'buildkit-bridge'),
    HOST: '127.0.0.1',
    PORT: String(settings.bridgePort),
    STATUS_URL: `http://127.0.0.1:${settings.port}${STATUS_EVENTS_PATH}`,
    LIFECYCLE_URL: `http://127.0.0.1:${lifecyclePort}${LIFECYCLE_EVENTS_PATH}`,
    TOKEN_FILE: join(settings.mounts, 'buildkit-bridge/audience-token'),
  },
  readyUrl: `http://127.0.0.1:${settings.bridgePort}${PROBE_PATHS.ready}`,
});

/** Logs to `<folder>/<name>.log`. */
export const launchPart = (part: Part, folder: string, watch: ((child: Child) => void) | undefined): Promise<Child> =>
  startChild({
    name: part.name,
    ...(/\.m?[jt]s$/.test(part.file)
      ? { file: process.execPath, args: [resolve(root, part.file)] }
      : { file: part.file, args: [] }),
    cwd: root,
    log: join(folder, `${part.name}.log`),
    environment: { PATH: process.env['PATH'] ?? '', ...part.environment },
    watch,
  });

export const isSharingPort = ({ environment }: Part): boolean => environment['REUSE_PORT'] === 'true';

/** Which of two processes on one port answers is the kernel's choice: only its log tells that this one is there. */
export async function waitUntilListening({ name, log, ended }: Child, logBytesBefore: number): Promise<void> {
  const state: { exit?: Exit } = {};
  void ended.then((exit) => (state.exit = exit));
  while (!(await readFile(log)).subarray(logBytesBefore).includes('listen')) {
    if (state.exit) throw new Error(`${name} ended as it was started again (see ${log})`);
    await sleep(25);
  }
}
