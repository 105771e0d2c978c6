/**
 * The event recorder: creates Kubernetes Events (events.k8s.io/v1). An Event that repeats within minutes extends the
 * series of the first. Each object has a share; when it is used up, its Events are dropped. No work depends on an Event,
 * so one that can't be created is dropped too.
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
import { GROUP, STORAGE_API_VERSION, type RecordOutcome } from '../../api/names.ts';
import { putLast } from '../../core/bounded-map.ts';
import type { ObjectEvent } from '../../core/kubernetes-events/event.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { events } from './resources.ts';

export interface EventRecorderOptions {
  readonly kube: Kube;
  /** Part that reports. */
  readonly part: string;
  /** Process of that part. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: { readonly warn: (fields: object, message: string) => void };
  readonly count: (outcome: RecordOutcome) => void;
}

/** Resolves when every Event is created, or given up. Never rejects. */
export type RecordEvents = (recorded: readonly ObjectEvent[]) => Promise<void>;

/** What the recorder keeps of one object. */
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

export function createEventRecorder(options: EventRecorderOptions): RecordEvents {
  const shares = new Map<string, Share>();

  /** Evicts the object whose last Event is the oldest. */
  function takeShare(uid: string): Share {
    const share = shares.get(uid) ?? { left: maxEventsAtOnce, refilledMs: options.now(), series: new Map() };
    putLast(shares, [uid, share], maxRememberedEventObjects);
    return share;
  }

  return async (recorded) => {
    for (const event of recorded) options.count(await recordOne(options, event, takeShare(event.metadata.uid)));
  };
}

async function recordOne(options: EventRecorderOptions, event: ObjectEvent, share: Share): Promise<RecordOutcome> {
  if (!isPermitted(share, options.now())) return 'limited';
  try {
    return await write(options, event, share);
  } catch (error) {
    options.log.warn(
      { object: event.metadata.name, reason: event.reason, error: (error as Error).message },
      'event not recorded',
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

async function write(options: EventRecorderOptions, event: ObjectEvent, { series }: Share): Promise<RecordOutcome> {
  const nowMs = options.now();
  const key = `${event.type}/${event.reason}`;
  const known = series.get(key);
  if (known !== undefined && nowMs - known.lastMs < eventSeriesMs && (await prolong(options, event, known))) {
    return 'repeated';
  }
  const name = nameEvent(event);
  // Kept before the apiserver answers: the Event may exist although its answer is late or lost.
  series.set(key, { name, count: 1, lastMs: nowMs });
  return await create(options, makeEvent(event, name, options));
}

/** False where the Event is gone. */
async function prolong(
  { kube, now }: EventRecorderOptions,
  { metadata }: ObjectEvent,
  series: Series,
): Promise<boolean> {
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

async function create({ kube }: EventRecorderOptions, event: KubernetesEvent): Promise<RecordOutcome> {
  try {
    await events(kube).create(event, { timeoutMs: eventTimeoutMs });
    return 'told';
  } catch (error) {
    // Another instance, or an attempt whose answer got lost, recorded the same change.
    if (error instanceof KubeError && error.status === 409) return 'known';
    throw error;
  }
}

/** Names the change, not the attempt: everyone who records the same change comes to the same name. */
function nameEvent({ metadata: { name, uid, resourceVersion }, type, reason }: ObjectEvent): string {
  const change = createHash('sha256').update(`${uid}/${resourceVersion}/${type}/${reason}`).digest('hex').slice(0, 16);
  return `${name.slice(0, 236).replace(/[.-]+$/, '')}.${change}`;
}

type KubernetesEvent = ReturnType<typeof makeEvent>;

const makeEvent = (event: ObjectEvent, name: string, { part, instance, now }: EventRecorderOptions) => ({
  metadata: { name, namespace: event.metadata.namespace },
  eventTime: formatMicroTime(now()),
  reportingController: `${GROUP}/${part}`,
  reportingInstance: instance,
  action: event.action,
  reason: event.reason,
  regarding: {
    apiVersion: STORAGE_API_VERSION,
    kind: event.kind,
    namespace: event.metadata.namespace,
    name: event.metadata.name,
    uid: event.metadata.uid,
    resourceVersion: event.metadata.resourceVersion,
  },
  note: cutBytes(event.note, maxEventNoteBytes),
  type: event.type,
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
