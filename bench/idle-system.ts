/** Every part as a cluster runs it, with nothing to do, and the audit log of what each asks the apiserver. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { KINDS, PROBE_PATHS, STATUS_EVENTS_PATH, STORAGE_API_VERSION, SYSTEM_NAMESPACE } from '../api/names.ts';
import { createAudit, type AuditedCall } from '../dev/audit.ts';
import { bundle } from '../dev/build.ts';
import { findFreePort } from '../dev/child.ts';
import { find } from '../dev/control-plane/find.ts';
import { eventing } from '../dev/control-plane/table.ts';
import { apiServerSourcePart, makeSourceAccount, oidcNameOf, sourceUser, statusSourceRules } from '../dev/knative.ts';
import { apiPart, bridgePart, bridgeUser, lifecyclePart, statusPart } from '../dev/parts.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { bringUp, type Stack } from '../dev/stack.ts';
import { createWatchdog } from '../dev/watchdog.ts';

const source = 'buildkit-status-source';

/** Who is to ask the apiserver for nothing, and who for nothing but watches. */
export const silentAccounts = ['buildkit-controller', 'buildkit-status', 'buildkit-lifecycle'] as const;
export const watchingAccounts = ['buildkit-bridge', source] as const;

const userOf = (account: string): string => `system:serviceaccount:${SYSTEM_NAMESPACE}:${account}`;
const accounts = [...silentAccounts, ...watchingAccounts];

/** Calls that began in a window of time, by account; of a watch, its beginning. */
export type CallsByAccount = ReadonlyMap<string, readonly AuditedCall[]>;

export interface IdleSystem {
  readonly stack: Stack;
  /** Name of the process that is Knative's. */
  readonly source: string;
  /** Waits until everybody is done with what was before, and then for that long. */
  readonly listen: (seconds: number) => Promise<CallsByAccount>;
  /** What was asked so far. */
  readonly readCalls: () => Promise<CallsByAccount>;
  readonly end: () => Promise<void>;
}

/** The functions apart, each from its bundle; as sources of events the bridge and the adapter of an ApiServerSource. */
export async function bringUpIdle(): Promise<IdleSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'idle-'));
  const watchdog = createWatchdog();
  await mkdir(join(folder, 'audit'));
  const audit = await createAudit(join(folder, 'audit'), accounts.map(userOf));
  const ports = { api: await findFreePort(), status: await findFreePort(), lifecycle: await findFreePort() };
  await bundle(join(folder, 'dist'));
  const sourceSender = sourceUser({ oidcName: oidcNameOf(source, 'apiserversource') });
  const { apiserver_receive_adapter: adapter } = await find(eventing);
  const stack = await bringUp({
    folder: join(folder, 'stack'),
    port: ports.status,
    apiserverFlags: audit.flags,
    watch: watchdog.watch,
    bundles: join(folder, 'dist'),
    parts: (settings) => [
      apiPart({ ...settings, port: ports.api }),
      statusPart({ ...settings, port: ports.status }, [bridgeUser, sourceSender]),
      lifecyclePart({ ...settings, port: ports.lifecycle }, [bridgeUser]),
      bridgePart(settings, ports.lifecycle),
    ],
  });
  const account = await makeSourceAccount(stack, source, statusSourceRules);
  const sink = `http://127.0.0.1:${ports.status}${STATUS_EVENTS_PATH}`;
  await stack.launch(apiServerSourcePart(adapter, account, sink));
  await makeWork(stack, `http://127.0.0.1:${ports.api}`);
  const probe = async () => {
    for (const port of Object.values(ports)) await fetch(`http://127.0.0.1:${port}${PROBE_PATHS.ready}`);
  };
  return {
    stack,
    source,
    listen: async (seconds) => {
      await waitUntilQuiet(async () => (await audit.read()).length);
      const beganAt = new Date().toISOString();
      // A kubelet goes on asking whether they are ready.
      for (let second = 0; second < seconds; second++) {
        await probe();
        await sleep(1000);
      }
      return byAccount((await audit.read()).filter(({ requestReceivedTimestamp: at }) => at > beganAt));
    },
    readCalls: async () => byAccount(await audit.read()),
    end: async () => {
      await stack.stop();
      watchdog.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const hasBegun = ({ verb, stage }: AuditedCall): boolean => verb !== 'watch' || stage === 'ResponseStarted';

const byAccount = (calls: readonly AuditedCall[]): CallsByAccount =>
  Map.groupBy(calls.filter(hasBegun), ({ user }) => user.username.split(':').at(-1) ?? '');

/** Something to watch over, and one question to each function, so that none is silent because it never ran. */
async function makeWork({ kubectl, mounts }: Stack, apiUrl: string): Promise<void> {
  const metadata = { name: 'idle', namespace: SYSTEM_NAMESPACE };
  const make = (kind: string, spec: object) => ({ apiVersion: STORAGE_API_VERSION, kind, metadata, spec });
  const items = [make(KINDS.pool.kind, {}), make(KINDS.worker.kind, { poolRef: metadata })];
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const token = (await readFile(join(mounts, 'buildkit-bridge/audience-token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  await fetch(apiUrl + CERTIFICATES_PATH, {
    method: 'POST',
    headers,
    body: JSON.stringify({ pools: [metadata.name] }),
  });
}

/** Resolves when a number has not changed for two seconds. */
async function waitUntilQuiet(count: () => Promise<number>): Promise<void> {
  for (let before = -1, now = await count(); before !== now; before = now, now = await count()) await sleep(2000);
}
