/** Keeps up with a collection: lists it, then watches it, for as long as it is wanted. */
import { watchGraceMs, watchTimeoutSeconds } from '../../api/limits/kubernetes.ts';
import type { ObjectMeta } from '../../api/fields.ts';
import { LABELS } from '../../api/names.ts';
import type { Change } from '../../core/events/make.ts';
import type { Pause } from '../backoff.ts';
import type { Log } from '../log.ts';
import { KubeError, type KubeClient } from './client.ts';
import { listAll, type Listed } from './list.ts';

export interface WatchedCollection {
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What is emitted and held of each object; where to look when absent. */
  readonly keep?: (object: KubeObject) => KubeObject;
}

export interface WatchOptions {
  /** Told of everything after each list, then of each change. Takes it at once. */
  readonly emit: (change: Change) => void;
  /** Told whether changes arrive: true when a watch opens, false when it breaks. */
  readonly setWatching?: (isWatching: boolean) => void;
  readonly pause: Pause;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface KubeObject {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly poolRef?: unknown };
}

/** Last state by uid. */
type Known = Map<string, KubeObject>;

interface ObjectLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
}
type Line = ObjectLine | { readonly type: 'ERROR'; readonly object: WatchError };

const changes = { ADDED: 'add', MODIFIED: 'update', DELETED: 'delete' } as const;

/** Resolves when the signal is aborted; no failure of the apiserver ends it before. */
export async function listAndWatch(
  kube: KubeClient,
  collection: WatchedCollection,
  options: WatchOptions,
): Promise<void> {
  const { signal, pause, setWatching = () => undefined } = options;
  const { keep = keepWhereToLook, ...selected } = collection;
  const fault = createFaultLog(collection, options);
  let known: Known = new Map();
  let position: string | undefined;
  let failures = 0;
  const advance = (resourceVersion: string): void => {
    position = resourceVersion;
    failures = 0;
    fault.end();
  };
  while (!signal.aborted) {
    // Counted as a failure until a line arrives, so that a server that hangs up at once is not asked in a loop.
    failures += 1;
    try {
      if (position === undefined) {
        const listed = await listAll<KubeObject>(kube, selected, keep);
        known = replaceKnown(known, listed, options.emit);
        position = listed.resourceVersion;
      }
      const opened = (): void => {
        setWatching(true);
      };
      for await (const line of openWatch(kube, toCall(collection), { from: position, signal, opened })) {
        take(line, { known, emit: options.emit, keep });
        advance(line.object.metadata.resourceVersion);
      }
    } catch (error) {
      setWatching(false);
      if (isPositionLost(error)) position = undefined;
      fault.begin(error);
    }
    if (failures > 0) await pause(failures);
  }
}

/**
 * Too old; or unknown to the apiserver, or to come, since its store was put back to an earlier state. After every other
 * failure the same watch may be asked for again: 429 while a cache is made anew, 503, no answer.
 */
const isPositionLost = (error: unknown): boolean =>
  error instanceof KubeError && [410, 400, 504].includes(error.status);

function toCall({ path, ...selectors }: WatchedCollection): { path: string; query: Record<string, string> } {
  const { labelSelector, fieldSelector } = selectors;
  return {
    path,
    query: {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    },
  };
}

/** What the list holds, and a delete for what it holds no more, which is true since the list at the latest. */
function replaceKnown(known: Known, { items, resourceVersion }: Listed<KubeObject>, emit: WatchOptions['emit']): Known {
  const next: Known = new Map(items.map((object) => [object.metadata.uid, object]));
  for (const [uid, object] of known) {
    if (!next.has(uid))
      emit({ change: 'delete', object: { ...object, metadata: { ...object.metadata, resourceVersion } } });
  }
  for (const object of next.values()) emit({ change: 'update', object });
  return next;
}

interface Taking extends Pick<WatchOptions, 'emit'> {
  readonly known: Known;
  readonly keep: (object: KubeObject) => KubeObject;
}

function take({ type, object }: ObjectLine, { known, emit, keep }: Taking): void {
  if (type === 'BOOKMARK') return;
  const kept = keep(object);
  if (type === 'DELETED') known.delete(object.metadata.uid);
  else known.set(object.metadata.uid, kept);
  emit({ change: changes[type], object: kept });
}

/** Whose an object is. */
const whereToLook: ReadonlySet<string> = new Set([LABELS.managedBy, LABELS.workerPool, LABELS.workerPoolNamespace]);

/** An event only says where to look. What else an object holds may be large, or for nobody's eyes but its reader's. */
function keepWhereToLook({ metadata, spec }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  const kept = Object.entries(labels ?? {}).filter(([label]) => whereToLook.has(label));
  const poolRef = spec?.poolRef;
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      ...(kept.length === 0 ? {} : { labels: Object.fromEntries(kept) }),
    },
    ...(poolRef === undefined ? {} : { spec: { poolRef } }),
  };
}

interface WatchStart {
  readonly from: string;
  readonly signal: AbortSignal;
  readonly opened: () => void;
}

async function* openWatch(
  kube: KubeClient,
  { path, query }: ReturnType<typeof toCall>,
  { from, signal, opened }: WatchStart,
): AsyncGenerator<ObjectLine> {
  const watching = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from };
  const call = { path, query: { ...query, ...watching, timeoutSeconds: String(watchTimeoutSeconds) } };
  const overdue = AbortSignal.timeout(watchTimeoutSeconds * 1000 + watchGraceMs);
  const left = new AbortController();
  try {
    for await (const line of kube.lines(
      call,
      AbortSignal.any([signal, overdue, left.signal]),
      opened,
    ) as AsyncGenerator<Line>) {
      if (line.type === 'ERROR') throw toError(line.object);
      yield line;
    }
  } finally {
    left.abort();
  }
}

/** metav1.Status, as an ERROR line carries it. */
interface WatchError {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

const toError = ({ code = 500, reason = '', message = '' }: WatchError): KubeError =>
  new KubeError(code, reason, message);

/** Logs one line when a fault begins and one when it ends, however many attempts fail between. */
function createFaultLog({ path }: WatchedCollection, { log, signal }: WatchOptions) {
  let isLogged = false;
  return {
    begin: (error: unknown): void => {
      // An expired position is the ordinary end of a long pause.
      const isOrdinary = signal.aborted || (error instanceof KubeError && error.status === 410);
      if (isOrdinary || isLogged) return;
      isLogged = true;
      log.warn({ path, error: (error as Error).message }, 'watch interrupted, will try until it is not');
    },
    end: (): void => {
      if (isLogged) log.info({ path }, 'watch resumed');
      isLogged = false;
    },
  };
}
