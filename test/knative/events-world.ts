/** The path of an event with Knative's own programs in it: apiserver, adapter, gate, queue-proxy, function. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { KubeError } from '../../adapters/kube/client.ts';
import { ourObjectPath } from '../../adapters/kube/paths.ts';
import { GROUP, KINDS, STATUS_EVENTS_PATH, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { connectAsAdministrator } from '../../bench/stack.ts';
import { bundle } from '../../dev/build.ts';
import { createAudit, type AuditedCall } from '../../dev/audit.ts';
import { findFreePort, type Child } from '../../dev/child.ts';
import { find } from '../../dev/control-plane/find.ts';
import { eventing, serving } from '../../dev/control-plane/table.ts';
import {
  apiServerSourcePart,
  isBehindQueueProxyReady,
  makeSourceAccount,
  oidcNameOf,
  queueProxyPart,
  sourceUser,
  statusSourceRules,
} from '../../dev/knative.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { statusPart, type FunctionSettings, type Part } from '../../dev/parts.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { openGate, type Gate, type Received } from '../dev/gate.ts';
import { createObjects, type Key, type Objects } from '../dev/objects.ts';

const source = 'buildkit-status-source';
export const statusUser = `system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-status`;
const soon = { timeout: 120_000, interval: 50 };

export interface EventsWorld {
  readonly stack: Stack;
  readonly objects: Objects;
  /** Between the adapter and queue-proxy. */
  readonly gate: Gate;
  /** Where queue-proxy takes events for the function. */
  readonly sink: string;
  readonly statusPort: number;
  readonly queuePort: number;
  readonly programs: { readonly queue: string; readonly mtping: string };
  /** What `status` asked the apiserver since it was last asked here. */
  readonly takeCalls: () => Promise<readonly AuditedCall[]>;
  /** Starts the adapter, and resolves when it tells of changes. */
  readonly startSource: () => Promise<Child>;
  /** Resolves when the adapter tells of changes: what happens before, it may never tell of. */
  readonly untilWatching: () => Promise<void>;
  /** The last event that the adapter sent about the object. */
  readonly findEvent: (kind: string, key: Key, type?: 'add' | 'update' | 'delete') => Received | undefined;
  /** Resolves when the function has answered an event about the pool as it is now. */
  readonly waitForPool: (key: Key) => Promise<void>;
  /** As an out-of-memory kill does. */
  readonly kill: (name: string) => void;
  /** Another instance of the function, on that port. */
  readonly launchSecond: (port: number) => Promise<Child>;
  /** Lets nobody write the status of the pool; resolves when that holds. */
  readonly forbidStatusOf: (key: Key) => Promise<void>;
  /** Takes that back; resolves when it holds no longer. */
  readonly allowStatusOf: (key: Key) => Promise<void>;
  readonly end: () => Promise<void>;
}

export async function bringUpEvents(): Promise<EventsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'events-'));
  const watchdog = createWatchdog();
  await mkdir(join(folder, 'audit'));
  const audit = await createAudit(join(folder, 'audit'), [statusUser]);
  const [statusPort, queuePort] = [await findFreePort(), await findFreePort()];
  const oidcName = oidcNameOf(source, 'apiserversource');
  const pingUser = sourceUser({ oidcName: oidcNameOf(source, 'pingsource') });
  const senders = [sourceUser({ oidcName }), pingUser];
  const makeStatus = (settings: FunctionSettings): Part => statusPart(settings, senders);
  await bundle(join(folder, 'dist'));
  const [{ apiserver_receive_adapter: adapter, mtping }, { queue }, stack] = await Promise.all([
    find(eventing),
    find(serving),
    bringUp({
      folder: join(folder, 'stack'),
      port: statusPort,
      apiserverFlags: audit.flags,
      watch: watchdog.watch,
      // As production runs it, which also starts sooner.
      bundles: join(folder, 'dist'),
      parts: (settings) => [makeStatus(settings)],
    }),
  ]);
  const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
  const objects = createObjects(administrator);
  const sink = `http://127.0.0.1:${queuePort}${STATUS_EVENTS_PATH}`;
  const gate = await openGate(sink);
  await stack.launch(queueProxyPart(queue, { serving: queuePort, user: statusPort }));
  await vi.waitUntil(() => isBehindQueueProxyReady(queuePort), soon);
  const account = await makeSourceAccount(stack, source, statusSourceRules);
  const marks = { pool: { namespace: 'default', name: 'mark' }, worker: { namespace: 'default', name: 'mark' } };
  await objects.createPool(marks.pool);
  await objects.createWorker(marks.worker, marks.pool);
  const about =
    (kind: string, { namespace, name }: Key) =>
    ({ headers }: Received) =>
      headers['ce-kind'] === kind && headers['ce-namespace'] === namespace && headers['ce-name'] === name;
  const untilWatching = async () => {
    const before = gate.received.length;
    const hasSent = (kind: string) => gate.received.slice(before).some(about(kind, marks.pool));
    const phases = ['Idle', 'Allocated'] as const;
    let turn = 0;
    const isWatching = async () => {
      await objects.labelPool(marks.pool, { turn: String(turn) });
      await objects.setPhase(marks.worker, phases[turn++ % 2] ?? 'Idle');
      return hasSent('BuildKitPool') && hasSent('BuildKitWorker');
    };
    // Whose apiserver was gone, it asks again after up to 30 s.
    await vi.waitUntil(isWatching, { timeout: 120_000, interval: 100 });
  };
  const kill = (name: string): void => {
    process.kill(stack.children.find((child) => child.name === name)?.pid ?? NaN, 'SIGKILL');
  };
  const mayWriteStatus = async (key: Key): Promise<boolean> => {
    const path = ourObjectPath(KINDS.pool.plural, { ...key, subresource: 'status' });
    const contentType = 'application/merge-patch+json';
    const body = { status: { phase: 'Pending' } };
    try {
      await administrator.call({ method: 'PATCH', path, query: { dryRun: 'All' }, contentType, body });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.status === 422) return false;
      throw error;
    }
  };
  let taken = 0;
  return {
    stack,
    objects,
    gate,
    sink,
    statusPort,
    queuePort,
    programs: { queue, mtping },
    takeCalls: async () => {
      const calls = await audit.read();
      const fresh = calls.slice(taken);
      taken = calls.length;
      return fresh;
    },
    startSource: async () => {
      const child = await stack.launch(apiServerSourcePart(adapter, account, gate.url));
      await untilWatching();
      return child;
    },
    untilWatching,
    findEvent: (kind, key, type) =>
      gate.received.findLast(
        (event) =>
          about(kind, key)(event) && (type === undefined || event.headers['ce-type']?.endsWith(`.${type}`) === true),
      ),
    waitForPool: async (key) => {
      const isDelivered = async () => {
        const { metadata } = await objects.readPool(key);
        return gate.received
          .filter(about('BuildKitPool', key))
          .some(({ body }) => body.includes(`"resourceVersion":"${metadata.resourceVersion}"`));
      };
      await vi.waitUntil(isDelivered, soon);
    },
    kill,
    launchSecond: (port) => {
      const second = makeStatus({ mounts: stack.mounts, kubeUrl: stack.controlPlane.url, port });
      return stack.launch({ ...second, name: 'status-2' });
    },
    forbidStatusOf: async (key) => {
      await expectSuccess(stack.kubectl, ['apply', '-f', '-'], JSON.stringify(makePolicy(key)));
      await vi.waitUntil(async () => !(await mayWriteStatus(key)), soon);
    },
    allowStatusOf: async (key) => {
      const kinds = 'validatingadmissionpolicybinding,validatingadmissionpolicy';
      await expectSuccess(stack.kubectl, ['delete', kinds, policyName]);
      await vi.waitUntil(() => mayWriteStatus(key), soon);
    },
    end: async () => {
      administrator.close();
      // It would drain for half a minute.
      kill('queue-proxy');
      await stack.stop();
      await gate.close();
      watchdog.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const policyName = 'no-status';
const makePolicy = ({ name }: Key): object => {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: policyName };
  const rule = {
    apiGroups: [GROUP],
    apiVersions: ['*'],
    operations: ['UPDATE'],
    resources: [`${KINDS.pool.plural}/status`],
    resourceNames: [name],
  };
  const validations = [{ expression: 'false', message: 'not now' }];
  const items = [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: { matchConstraints: { resourceRules: [rule] }, validations },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName, validationActions: ['Deny'] },
    },
  ];
  return { apiVersion: 'v1', kind: 'List', items };
};
