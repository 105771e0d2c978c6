/** What the status of a pool should say. No I/O. No clock. */
import type { PoolPhase, PoolStatus } from '../../api/status.ts';
import { mergeConditions } from '../conditions.ts';
import { isSameJson } from '../json.ts';
import { endpointOf } from '../pool/endpoint.ts';
import { hasOnlyFailed, judge, type Findings } from './conditions.ts';
import { countWorkers, findWorkerNamespaces } from './count.ts';
import { findConflict, makeGatewayStatus, readConflict, readGatewayStatus } from './gateway.ts';
import { mergeConnections } from './connections.ts';
import type { Observed } from './observed.ts';
import { judgeRefs } from './refs.ts';
import type { ReceivedReport } from './report.ts';

/** The whole status to write, or `unchanged` where the stored one says it all. What it does not compute it keeps. */
export function plan(observed: Observed, now: Date, reports: readonly ReceivedReport[] = []): PoolStatus | 'unchanged' {
  const { pool, gateway } = observed;
  const { metadata, status: stored = {} } = pool;
  const findings: Findings = {
    name: metadata.name,
    isTerminating: metadata.deletionTimestamp !== undefined,
    fault: pool.fault,
    gateway: gateway === undefined ? readGatewayStatus(stored) : makeGatewayStatus(metadata.name, gateway),
    conflict: gateway === undefined ? readConflict(stored) : findConflict(metadata.name, gateway),
    workers: countWorkers(pool, observed.workers),
    refs: judgeRefs(observed),
  };
  const { generation } = metadata;
  const status: PoolStatus = {
    ...stored,
    phase: decidePhase(findings),
    endpoint: endpointOf(metadata, pool.spec),
    gateway: findings.gateway,
    workers: findings.workers,
    connections: mergeConnections(stored.connections, { pods: observed.gatewayPods, reports, now }),
    conditions: mergeConditions(stored.conditions ?? [], judge(findings), { now, generation }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  const named = nameNamespaces(status, findWorkerNamespaces(pool, observed.workers));
  return isSameJson(stored, named) ? 'unchanged' : named;
}

/** Absent where they are too many, whatever stood there before. */
function nameNamespaces(status: PoolStatus, workerNamespaces: string[] | undefined): PoolStatus {
  if (workerNamespaces !== undefined) return { ...status, workerNamespaces };
  const others = { ...status };
  delete others.workerNamespaces;
  return others;
}

/** The first that matches. */
function decidePhase({ isTerminating, gateway, workers }: Findings): PoolPhase {
  if (isTerminating) return 'Terminating';
  if (hasOnlyFailed(workers)) return 'Failed';
  if (!gateway.ready) return 'Pending';
  return workers.total === 0 ? 'ScaledToZero' : 'Running';
}
