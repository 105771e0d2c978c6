/**
 * Pods of gateways as their controller and their processes would be: they come, are started anew, and vanish, and what
 * they count is reported by tokens that are bound to them, also late, twice and in vain.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type KubeCall, type KubeClient } from '../../adapters/kube/client.ts';
import { podsPath } from '../../adapters/kube/paths.ts';
import { LABELS, STATUS_REPORTS_PATH, TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Connections } from '../../api/status.ts';
import type { Key } from './objects.ts';

interface Report {
  readonly sequence: number;
  readonly active: number;
  readonly total: number;
}

/** One process of a Pod. What it opened counts at least as far as it is known to be counted, at most as it was told. */
interface Process {
  readonly startedAtMs: number;
  readonly reports: Report[];
  current: Report;
  known: number;
  reported: number;
}

interface Pod {
  readonly name: string;
  readonly token: string;
  readonly processes: Process[];
}

export interface Gateway {
  readonly addPod: () => Promise<void>;
  /** Deletes one, without a last word. */
  readonly losePod: () => Promise<void>;
  /** A process begins anew in one of them; what it counted last, nobody may have heard. */
  readonly restartProcess: () => Promise<void>;
  /** Opens and closes connections, and reports them. */
  readonly work: () => Promise<void>;
  /** Sends a report of some time ago, of whatever process. */
  readonly repeat: () => Promise<void>;
  /** Every Pod reports what is true now. @throws when one of them is not heard. */
  readonly reportAll: () => Promise<void>;
  /** What is wrong with the connections of the pool; undefined when nothing is. */
  readonly findFault: (connections: Connections | undefined) => string | undefined;
}

export interface GatewayOptions {
  readonly kube: Pick<KubeClient, 'call'>;
  readonly pool: Key;
  readonly statusUrl: string;
  readonly random: () => number;
}

/** A Pod that may or may not be gone could not be judged: the apiserver is asked until it says so. */
async function persist(kube: Pick<KubeClient, 'call'>, call: KubeCall): Promise<void> {
  for (;;) {
    try {
      await kube.call(call);
      return;
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return;
      await sleep(100);
    }
  }
}

/** Far fewer than a status counts, those of Pods among them that it has not seen go. */
const mostPods = 20;

export function createGateway({ kube, pool, statusUrl, random }: GatewayOptions): Gateway {
  const pods: Pod[] = [];
  /** Of the processes of Pods that are gone. */
  const gone: Process[] = [];
  let made = 0;
  let highest = 0;
  const draw = (most: number): number => Math.floor(random() * most);
  const pick = <T>(items: readonly T[]): T | undefined => items[draw(items.length)];
  const newest = ({ processes }: Pod): Process | undefined => processes.at(-1);

  const makeProcess = (): Process => ({
    // Each later than the one before, whatever the clock says.
    startedAtMs: Date.UTC(2026, 0, 1) + 1000 * made++,
    reports: [],
    current: { sequence: 0, active: 0, total: 0 },
    known: 0,
    reported: 0,
  });

  async function send(pod: Pod, process: Process, report: Report): Promise<number | undefined> {
    process.reported = Math.max(process.reported, report.total);
    const startedAt = new Date(process.startedAtMs).toISOString();
    const status = await fetch(`${statusUrl}${STATUS_REPORTS_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${pod.token}` },
      body: JSON.stringify({ pool: pool.name, startedAt, ...report }),
    }).then(
      (answer) => answer.status,
      () => undefined,
    );
    // What comes after a report of a later process, counted or not, may be ignored.
    if (status === 204 && newest(pod) === process) process.known = Math.max(process.known, report.total);
    return status;
  }

  function advance(process: Process): Report {
    const { sequence, total } = process.current;
    process.current = { sequence: sequence + 1, active: draw(5), total: total + draw(4) };
    process.reports.push(process.current);
    return process.current;
  }

  return {
    addPod: async () => {
      if (pods.length === mostPods) return;
      const name = `gateway-${pool.name}-${made++}`;
      const metadata = { name, labels: { [LABELS.pool]: pool.name } };
      const body = { metadata, spec: { containers: [{ name: 'gateway', image: 'none' }] } };
      const path = podsPath(pool.namespace);
      const { metadata: created } = (await kube.call({ method: 'POST', path, body })) as { metadata: { uid: string } };
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: created.uid };
      const { status } = (await kube.call({
        method: 'POST',
        path: `/api/v1/namespaces/${pool.namespace}/serviceaccounts/default/token`,
        body: { spec: { audiences: [TOKEN_AUDIENCE], expirationSeconds: 7200, boundObjectRef } },
      })) as { status: { token: string } };
      pods.push({ name, token: status.token, processes: [makeProcess()] });
    },
    losePod: async () => {
      const pod = pick(pods);
      if (pod === undefined) return;
      pods.splice(pods.indexOf(pod), 1);
      gone.push(...pod.processes);
      await persist(kube, {
        method: 'DELETE',
        path: `${podsPath(pool.namespace)}/${pod.name}`,
        query: { gracePeriodSeconds: '0' },
      });
    },
    restartProcess: async () => {
      const pod = pick(pods);
      const process = makeProcess();
      pod?.processes.push(process);
      if (pod !== undefined) await send(pod, process, advance(process));
    },
    work: async () => {
      const pod = pick(pods);
      const process = pod && newest(pod);
      if (pod !== undefined && process !== undefined) await send(pod, process, advance(process));
    },
    repeat: async () => {
      const pod = pick(pods);
      const process = pod && pick(pod.processes);
      const report = process && pick(process.reports);
      if (pod !== undefined && process !== undefined && report !== undefined) await send(pod, process, report);
    },
    reportAll: async () => {
      for (const pod of pods) {
        const process = newest(pod);
        if (process === undefined) continue;
        const status = await send(pod, process, advance(process));
        if (status !== 204) throw new Error(`report of ${pod.name}: expected 204, got ${status ?? 'no answer'}`);
      }
    },
    findFault: (connections) => {
      const { active = 0, total = 0 } = connections ?? {};
      const all = [...gone, ...pods.flatMap(({ processes }) => processes)];
      const least = all.reduce((sum, { known }) => sum + known, 0);
      const most = all.reduce((sum, { reported }) => sum + reported, 0);
      const open = pods.reduce((sum, pod) => sum + (newest(pod)?.current.active ?? 0), 0);
      if (total < highest) return `total fell from ${highest} to ${total}`;
      highest = total;
      if (total < least || total > most) return `total: expected ${least} to ${most}, got ${total}`;
      return active === open ? undefined : `active: expected ${open}, got ${active}`;
    },
  };
}
