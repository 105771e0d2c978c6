/**
 * Creates Kubernetes Events (events.k8s.io/v1). One that repeats within minutes makes the first one's series longer; an
 * object that has had its share has to wait. What can't be told is not: no work depends on it.
 */
import { createHash } from 'node:crypto';
import {
  eventSeriesMs,
  eventShareRefillMs,
  eventTimeoutMs,
  maxEventNoteBytes,
  maxEventsAtOnce,
  maxRememberedEventObjects,
} from '../../api/limits/kubernetes-events.ts';
import { GROUP, STORAGE_API_VERSION, type ToldOutcome } from '../../api/names.ts';
import type { Told } from '../../core/kubernetes-events/event.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { events } from './resources.ts';

export interface TellerOptions {
  readonly kube: Kube;
  /** Which part tells. */
  readonly part: string;
  /** Which process of it. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: { readonly warn: (fields: object, message: string) => void };
  readonly count: (outcome: ToldOutcome) => void;
}

/** Resolves when all is told that will be. Never rejects. */
export type Tell = (told: readonly Told[]) => Promise<void>;

/** What is remembered of one object. */
interface Share {
  left: number;
  refilledMs: number;
  readonly series: Map<string, Series>;
}
interface Series {
  readonly name: string;
  count: number;
  lastMs: number;
}

export function createTeller(options: TellerOptions): Tell {
  const shares = new Map<string, Share>();

  /** The one that was needed longest ago makes place. */
  function takeShare(uid: string): Share {
    const share = shares.get(uid) ?? { left: maxEventsAtOnce, refilledMs: options.now(), series: new Map() };
    shares.delete(uid);
    shares.set(uid, share);
    const [oldest] = shares.keys();
    if (shares.size > maxRememberedEventObjects && oldest !== undefined) shares.delete(oldest);
    return share;
  }

  return async (told) => {
    for (const one of told) options.count(await tellOne(options, one, takeShare(one.metadata.uid)));
  };
}

async function tellOne(options: TellerOptions, told: Told, share: Share): Promise<ToldOutcome> {
  if (!isPermitted(share, options.now())) return 'limited';
  try {
    return await write(options, told, share);
  } catch (error) {
    options.log.warn(
      { object: told.metadata.name, reason: told.reason, error: (error as Error).message },
      'event not told',
    );
    return 'failed';
  }
}

function isPermitted(share: Share, nowMs: number): boolean {
  const refills = Math.floor((nowMs - share.refilledMs) / eventShareRefillMs);
  share.refilledMs += refills * eventShareRefillMs;
  share.left = Math.min(maxEventsAtOnce, share.left + refills);
  if (share.left === 0) return false;
  share.left -= 1;
  return true;
}

async function write(options: TellerOptions, told: Told, { series }: Share): Promise<ToldOutcome> {
  const nowMs = options.now();
  const key = `${told.type}/${told.reason}`;
  const known = series.get(key);
  if (known !== undefined && nowMs - known.lastMs < eventSeriesMs && (await prolong(options, told, known))) {
    return 'repeated';
  }
  const name = nameEvent(told);
  // Before it is known to be there: one whose answer is late or lost may be.
  series.set(key, { name, count: 1, lastMs: nowMs });
  return await create(options, makeEvent(told, name, options));
}

/** False where the Event is gone. */
async function prolong({ kube, now }: TellerOptions, { metadata }: Told, series: Series): Promise<boolean> {
  const nowMs = now();
  const change = { series: { count: series.count + 1, lastObservedTime: formatMicroTime(nowMs) } };
  try {
    const key = { namespace: metadata.namespace, name: series.name };
    await events(kube).patch(key, change, { timeoutMs: eventTimeoutMs });
    series.count += 1;
    series.lastMs = nowMs;
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false;
    throw error;
  }
}

async function create({ kube }: TellerOptions, event: KubernetesEvent): Promise<ToldOutcome> {
  try {
    await events(kube).create(event, { timeoutMs: eventTimeoutMs });
    return 'told';
  } catch (error) {
    // Another instance, or an attempt whose answer got lost, has told of the same change.
    if (error instanceof KubeError && error.status === 409) return 'known';
    throw error;
  }
}

/** Of the change, not of the attempt: whoever tells of the same once more comes to the same name. */
function nameEvent({ metadata: { name, uid, resourceVersion }, type, reason }: Told): string {
  const change = createHash('sha256').update(`${uid}/${resourceVersion}/${type}/${reason}`).digest('hex').slice(0, 16);
  return `${name.slice(0, 236).replace(/[.-]+$/, '')}.${change}`;
}

type KubernetesEvent = ReturnType<typeof makeEvent>;

const makeEvent = (told: Told, name: string, { part, instance, now }: TellerOptions) => ({
  metadata: { name, namespace: told.metadata.namespace },
  eventTime: formatMicroTime(now()),
  reportingController: `${GROUP}/${part}`,
  reportingInstance: instance,
  action: told.action,
  reason: told.reason,
  regarding: {
    apiVersion: STORAGE_API_VERSION,
    kind: told.kind,
    namespace: told.metadata.namespace,
    name: told.metadata.name,
    uid: told.metadata.uid,
    resourceVersion: told.metadata.resourceVersion,
  },
  note: cutBytes(told.note, maxEventNoteBytes),
  type: told.type,
});

/** metav1.MicroTime. */
const formatMicroTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** Characters are kept whole. */
function cutBytes(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  let end = mostBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}
