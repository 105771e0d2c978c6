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

export interface FunctionPlace {
  readonly mounts: string;
  readonly kubeUrl: string;
  readonly port: number;
}

export interface Place extends FunctionPlace {
  /** Where the bridge answers probes. */
  readonly bridgePort: number;
}

const kubeVariables = ({ mounts, kubeUrl }: FunctionPlace, account: string) => ({
  KUBERNETES_SERVICE_HOST: new URL(kubeUrl).hostname,
  KUBERNETES_SERVICE_PORT: new URL(kubeUrl).port,
  ACCOUNT_FOLDER: join(mounts, account),
});

/** Two processes on one port, so that one can be restarted; one where the kernel does not share ports like that. */
export const webhooksParts = (place: FunctionPlace): Part[] =>
  process.platform === 'linux'
    ? ['webhooks-1', 'webhooks-2'].map((name) => webhooksPart(name, place, { REUSE_PORT: 'true' }))
    : [webhooksPart('webhooks', place, {})];

const webhooksPart = (name: string, place: FunctionPlace, sharing: Readonly<Record<string, string>>): Part => ({
  name,
  file: 'webhooks/main.ts',
  environment: {
    ...kubeVariables(place, 'buildkit-webhooks'),
    ...sharing,
    HOST: '127.0.0.1',
    PORT: String(place.port),
    TLS_FOLDER: join(place.mounts, 'buildkit-webhook-tls'),
    COUNT_ATTACH: 'on',
    // As in the Deployment, whose memory limit it keeps.
    NODE_OPTIONS: '--max-old-space-size=512',
  },
  readyUrl: `https://127.0.0.1:${place.port}/readyz`,
  caFile: join(place.mounts, 'buildkit-webhook-ca/tls.crt'),
});

export const functionsPart = (place: FunctionPlace): Part => ({
  name: 'functions',
  file: 'dev/functions.ts',
  environment: {
    KUBERNETES_URL: place.kubeUrl,
    MOUNTS: place.mounts,
    PORT: String(place.port),
    CLUSTER_FQDN: developmentFqdn,
  },
  readyUrl: `http://127.0.0.1:${place.port}/readyz`,
});

/** The functions as a cluster runs them: each a process of its own, here at its own port. */
export const statusPart = (place: FunctionPlace, senders: readonly string[]): Part => ({
  name: 'status',
  file: 'functions/status/main.ts',
  environment: {
    ...functionVariables(place, 'buildkit-status'),
    EVENT_SENDERS: senders.join(','),
    // As in the Deployment, whose memory limit it keeps.
    NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=4',
  },
  readyUrl: `http://127.0.0.1:${place.port}/readyz`,
});

export const lifecyclePart = (place: FunctionPlace, senders: readonly string[]): Part => ({
  name: 'lifecycle',
  file: 'functions/lifecycle/main.ts',
  environment: {
    ...functionVariables(place, 'buildkit-lifecycle'),
    EVENT_SENDERS: senders.join(','),
    COUNT_ATTACH: 'on',
  },
  readyUrl: `http://127.0.0.1:${place.port}/readyz`,
});

export const apiPart = (place: FunctionPlace): Part => ({
  name: 'api',
  file: 'functions/api/main.ts',
  environment: {
    ...functionVariables(place, 'buildkit-controller'),
    CLUSTER_FQDN: developmentFqdn,
    CA_FOLDER: join(place.mounts, CA_SECRETS.clients),
  },
  readyUrl: `http://127.0.0.1:${place.port}/readyz`,
});

/** Ends when the keys are as they should be. */
export const authorityPart = (place: FunctionPlace): Part => ({
  name: 'authority',
  file: 'functions/authority/main.ts',
  environment: { ...kubeVariables(place, 'buildkit-authority'), CLUSTER_FQDN: developmentFqdn },
});

const functionVariables = (place: FunctionPlace, account: string) => ({
  ...kubeVariables(place, account),
  HOST: '127.0.0.1',
  PORT: String(place.port),
  PRIVATE_ISSUERS: 'off',
});

/** The user whose token the bridge sends. */
export const bridgeUser = `system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-bridge`;

export const bridgePart = (place: Place, lifecyclePort = place.port): Part => ({
  name: 'bridge',
  file: 'functions/bridge/main.ts',
  environment: {
    ...kubeVariables(place, 'buildkit-bridge'),
    HOST: '127.0.0.1',
    PORT: String(place.bridgePort),
    STATUS_URL: `http://127.0.0.1:${place.port}${STATUS_EVENTS_PATH}`,
    LIFECYCLE_URL: `http://127.0.0.1:${lifecyclePort}${LIFECYCLE_EVENTS_PATH}`,
    TOKEN_FILE: join(place.mounts, 'buildkit-bridge/audience-token'),
  },
  readyUrl: `http://127.0.0.1:${place.bridgePort}${PROBE_PATHS.ready}`,
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
