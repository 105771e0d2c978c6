/** What a worker is, by its Pod. No I/O. No clock. */
import { imagePullPatienceMs, schedulingPatienceMs, startPatienceSeconds } from '../../api/limits/lifecycle.ts';
import { PORTS } from '../../api/names.ts';
import type { WorkerPhase, WorkerStatus } from '../../api/status.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Verdict } from '../conditions.ts';
import type { ContainerStatus, Pod } from './cluster-objects.ts';
import { READY, WORKER_REASONS as REASONS } from './reasons.ts';
import { isLeased } from './worker-objects.ts';

/** Why the apiserver made no Pod, or none is to be had. */
export interface PodRefusal {
  readonly reason: string;
  readonly message: string;
}

/** The Pod, why there is none, or nothing where none is wanted yet. */
export type FoundPod = { readonly pod: Pod } | { readonly refusal: PodRefusal } | undefined;

export interface PodState {
  readonly phase: WorkerPhase;
  readonly verdict: Verdict;
  /** When the state changes by time alone. */
  readonly nextDueAt: Date | undefined;
}

type Fields = Pick<WorkerStatus, 'podName' | 'podUID' | 'podIP' | 'endpoint' | 'createdAt' | 'readyAt'>;

export function judgePod(worker: Worker, found: FoundPod, now: Date): PodState {
  if (found === undefined) return state('Pending', REASONS.noPod, 'there is no Pod');
  if ('refusal' in found) return state('Failed', found.refusal.reason, found.refusal.message);
  const { pod } = found;
  if (pod.metadata.deletionTimestamp !== undefined) return state('Terminating', REASONS.ending, 'the Pod is ending');
  const end = findEnd(pod);
  if (end !== undefined) return state('Failed', end.reason, end.message);
  if (!hasServed(worker, pod)) return judgeStart(worker, pod, now);
  const phase = isLeased(worker) ? 'Allocated' : 'Idle';
  // A probe that was missed once ends no build: buildkitd that ends takes its Pod along.
  return isReady(pod) ? serving(phase) : state(phase, REASONS.notReady, 'buildkitd did not answer its last probe');
}

/** What the status says of the Pod; fields that have no value any more are undefined. */
export function describePod({ status = {} }: Worker, found: FoundPod): Fields {
  if (found === undefined || 'refusal' in found) return {};
  const { metadata, status: podStatus } = found.pod;
  const { podIP } = podStatus ?? {};
  const readyAt = readyTimeOf(found.pod) ?? (status.podUID === metadata.uid ? status.readyAt : undefined);
  return {
    podName: metadata.name,
    podUID: metadata.uid,
    ...(metadata.creationTimestamp === undefined ? {} : { createdAt: metadata.creationTimestamp }),
    ...(podIP === undefined ? {} : { podIP, endpoint: formatEndpoint(podIP) }),
    ...(readyAt === undefined ? {} : { readyAt }),
  };
}

const formatEndpoint = (ip: string): string => `tcp://${ip.includes(':') ? `[${ip}]` : ip}:${PORTS.worker}`;

const conditionOf = ({ status }: Pod, type: string) => status?.conditions?.find((one) => one.type === type);
const isReady = (pod: Pod): boolean => conditionOf(pod, 'Ready')?.status === 'True';

function readyTimeOf(pod: Pod): string | undefined {
  const ready = conditionOf(pod, 'Ready');
  return ready?.status === 'True' ? ready.lastTransitionTime : undefined;
}

const hasServed = ({ status }: Worker, pod: Pod): boolean =>
  isReady(pod) || (status?.podUID === pod.metadata.uid && status.readyAt !== undefined);

const statusesOf = ({ status }: Pod): readonly ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** Why the Pod will never serve again. */
function findEnd(pod: Pod): PodRefusal | undefined {
  const { phase, reason = '', message = '' } = pod.status ?? {};
  const ended = statusesOf(pod).find(({ name, state: one }) =>
    name === 'keys' ? (one?.terminated?.exitCode ?? 0) !== 0 : one?.terminated !== undefined,
  );
  if (phase !== 'Failed' && phase !== 'Succeeded' && ended === undefined) return undefined;
  const { reason: why = reason, exitCode = 0, message: said = message } = ended?.state?.terminated ?? {};
  if (why === 'OOMKilled') {
    return { reason: REASONS.outOfMemory, message: 'a build took more memory than the limit of the worker' };
  }
  const words = [why, ended && `container ${ended.name} exited with ${exitCode}`, said].filter(Boolean).join(': ');
  return { reason: REASONS.podFailed, message: words.slice(0, 1024) };
}

function judgeStart(worker: Worker, pod: Pod, now: Date): PodState {
  const createdMs = Date.parse(pod.metadata.creationTimestamp ?? now.toISOString());
  const after = (patienceMs: number): Date => new Date(createdMs + patienceMs);
  for (const { find, patienceMs } of hindrances) {
    const found = find(pod);
    if (found === undefined) continue;
    const due = after(patienceMs);
    return due <= now
      ? state('Failed', found.reason, found.message)
      : state('Provisioning', found.reason, found.message, due);
  }
  const due = after(startPatienceSeconds * 1000);
  return due <= now
    ? state('Failed', REASONS.startTimeout, `buildkitd did not answer within ${startPatienceSeconds} s`)
    : state('Provisioning', REASONS.starting, `Pod ${worker.metadata.name} is starting`, due);
}

interface Hindrance {
  readonly find: (pod: Pod) => PodRefusal | undefined;
  /** How long it may pass by itself, from the Pod's creation on. */
  readonly patienceMs: number;
}

const hindrances: readonly Hindrance[] = [
  { find: findUnscheduled, patienceMs: schedulingPatienceMs },
  { find: findImagePull, patienceMs: imagePullPatienceMs },
  { find: findMissingSandbox, patienceMs: imagePullPatienceMs },
];

function findUnscheduled(pod: Pod): PodRefusal | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason = REASONS.unschedulable, message = 'no node takes the Pod' } = scheduled;
  return { reason, message };
}

const pullFaults = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);

function findImagePull(pod: Pod): PodRefusal | undefined {
  const waiting = statusesOf(pod).find(({ state: one }) => pullFaults.has(one?.waiting?.reason ?? ''))?.state?.waiting;
  if (waiting === undefined) return undefined;
  return { reason: REASONS.imagePull, message: waiting.message ?? waiting.reason ?? '' };
}

/** The kubelet says it in an Event of its own alone. */
function findMissingSandbox(pod: Pod): PodRefusal | undefined {
  if (conditionOf(pod, 'PodReadyToStartContainers')?.status !== 'False') return undefined;
  const message =
    'the node has not begun to start the Pod: it may support no user namespaces, which need Linux 6.3, containerd 2.0 and runc 1.2';
  return { reason: REASONS.noSandbox, message };
}

const verdictOf = (status: Verdict['status'], reason: string, message: string): Verdict => ({
  type: READY,
  status,
  reason,
  message,
});

const serving = (phase: WorkerPhase): PodState => ({
  phase,
  verdict: verdictOf('True', REASONS.serving, 'buildkitd takes builds'),
  nextDueAt: undefined,
});

const state = (phase: WorkerPhase, reason: string, message: string, nextDueAt?: Date): PodState => ({
  phase,
  verdict: verdictOf('False', reason, message),
  nextDueAt,
});
