/**
 * An apiserver in memory with one pool and its workers, that answers in any order, from caches that lag, and fails when it
 * is told to: what a real one does seldom.
 */
import { KubeError, type KubeCall, type KubeClient } from '../../../adapters/kube/client.ts';
import { gatewayDeploymentName, gatewayServiceName, LABELS, MANAGED_BY } from '../../../api/names.ts';
import type { PoolStatus, WorkerPhase } from '../../../api/status.ts';
import type { ObjectVersion } from '../../../core/events/parse.ts';

export const key = { namespace: 'own', name: 'pool' };

interface SimulatedWorker {
  readonly name: string;
  readonly namespace: string;
  readonly phase: WorkerPhase;
}

/** Replicas of the Deployment that are ready, and whether the Service exists. */
export interface SimulatedGateway {
  readonly readyReplicas: number;
  readonly hasService: boolean;
}

interface State {
  readonly gateway: SimulatedGateway;
  readonly workers: readonly SimulatedWorker[];
  readonly pool: { readonly resourceVersion: number; readonly status: PoolStatus | undefined };
}

export interface Chance {
  /** From 0 to the number given. */
  readonly upTo: (most: number) => number;
  /** Whether a call fails, before it acts or after. */
  readonly fault: () => 'none' | 'before' | 'after';
  /** Resolves when it is this one's turn. */
  readonly turn: (label: string) => Promise<void>;
}

/** Told of each change, and at which resource version it came to be. */
export type Emit = (object: ObjectVersion, at: number) => void;

export interface SimulatedApiserver {
  readonly kube: KubeClient;
  readonly changeGateway: (change: Partial<SimulatedGateway>) => void;
  readonly changeWorkers: (
    change: (workers: readonly SimulatedWorker[]) => readonly SimulatedWorker[],
    at: string,
  ) => void;
  readonly overwriteStatus: (change: (status: PoolStatus) => PoolStatus) => void;
  /** By resource version. */
  readonly history: readonly State[];
}

export function createApiserver(chance: Chance, emit: Emit): SimulatedApiserver {
  const gateway = { readyReplicas: 0, hasService: false };
  const history: State[] = [0, 1].map((resourceVersion) => ({
    gateway,
    workers: [],
    pool: { resourceVersion, status: undefined },
  }));
  const now = (): State => history.at(-1) as State;

  function commit(change: Partial<State>, kind: ObjectVersion['kind'], namespace: string): void {
    history.push({ ...now(), ...change });
    const at = history.length - 1;
    emit({ kind, namespace, version: kind === 'gateway' ? undefined : at }, at);
  }

  const writePool = (status: PoolStatus): void => {
    commit({ pool: { resourceVersion: history.length, status } }, 'pool', key.namespace);
  };

  const showPool = ({ pool: { resourceVersion, status } }: State) => ({
    metadata: { ...key, uid: 'u', generation: 1, resourceVersion: String(resourceVersion) },
    spec: {},
    ...(status === undefined ? {} : { status }),
  });

  function list({ path, query = {} }: KubeCall) {
    const latest = history.length - 1;
    const least = Number(query['resourceVersion'] ?? latest);
    if (least > latest) throw new KubeError(504, 'Timeout', 'Too large resource version');
    const at = latest - chance.upTo(Math.min(3, latest - least));
    const namespace = /namespaces\/([^/]+)\//.exec(path)?.[1];
    const selector = query['fieldSelector'] ?? '';
    const isOfNobody = selector.endsWith('spec.poolRef.namespace=');
    const found = isOfNobody
      ? []
      : (history[at] as State).workers.filter((one) => (namespace ?? one.namespace) === one.namespace);
    return {
      metadata: { resourceVersion: String(at) },
      items: found.map((one) => ({
        metadata: { name: one.name, namespace: one.namespace },
        spec: { poolRef: key },
        status: { phase: one.phase },
      })),
    };
  }

  const labels = { [LABELS.managedBy]: MANAGED_BY };
  const showDeployments = ({ gateway: { readyReplicas } }: State) => [
    {
      metadata: { namespace: key.namespace, name: gatewayDeploymentName(key.name), labels },
      spec: { replicas: 1 },
      status: { readyReplicas },
    },
  ];
  const showServices = ({ gateway: { hasService } }: State) =>
    hasService ? [{ metadata: { ...key, name: gatewayServiceName(key.name), labels } }] : [];

  function getOrList(
    call: KubeCall,
    plural: string,
    items: readonly { readonly metadata: { readonly name: string } }[],
  ) {
    if (call.path.endsWith(`/${plural}`)) return { metadata: { resourceVersion: '1' }, items };
    const found = items.find(({ metadata }) => call.path.endsWith(`/${plural}/${metadata.name}`));
    if (found === undefined) throw new KubeError(404, 'NotFound', call.path);
    return found;
  }

  function apply({ body }: KubeCall) {
    const { metadata, status } = body as { metadata: { resourceVersion: string }; status: PoolStatus };
    if (Number(metadata.resourceVersion) !== now().pool.resourceVersion)
      throw new KubeError(409, 'Conflict', 'modified');
    writePool(status);
    return showPool(now());
  }

  function answer(call: KubeCall): unknown {
    if (call.method === 'PATCH') return apply(call);
    if (call.path.endsWith('/buildkitworkers')) return list(call);
    if (call.path.endsWith('/buildkitpools/pool')) return showPool(now());
    if (call.path.endsWith('/buildkitpools')) {
      return { metadata: { resourceVersion: String(history.length - 1) }, items: [showPool(now())] };
    }
    if (call.path.includes('/deployments')) return getOrList(call, 'deployments', showDeployments(now()));
    if (call.path.includes('/services')) return getOrList(call, 'services', showServices(now()));
    throw new KubeError(404, 'NotFound', call.path);
  }

  return {
    kube: {
      call: async (call) => {
        const fault = chance.fault();
        await chance.turn('arrives');
        if (fault === 'before') throw new KubeError(0, 'Unreachable', 'never arrived');
        const answered = answer(call);
        await chance.turn('answered');
        if (fault === 'after') throw new KubeError(0, 'Unreachable', 'broke off');
        return answered;
      },
      lines: () => {
        throw new Error('nothing is watched');
      },
      close: () => undefined,
    },
    changeGateway: (change) => {
      commit({ gateway: { ...now().gateway, ...change } }, 'gateway', key.namespace);
    },
    changeWorkers: (change, at) => {
      commit({ workers: change(now().workers) }, 'worker', at);
    },
    overwriteStatus: (change) => {
      writePool(change(now().pool.status ?? {}));
    },
    history,
  };
}
