/** Conditions of a pool. No I/O. No clock. */
import type { Condition } from '../../api/fields.ts';
import { gatewayDeploymentName, gatewayServiceName } from '../../api/names.ts';
import type { Verdict } from '../conditions.ts';
import type { WorkerCounts } from './count.ts';
import type { GatewayStatus } from './gateway.ts';
import { CONDITION_TYPES, REASONS } from './reasons.ts';

export interface Findings {
  readonly name: string;
  readonly isTerminating: boolean;
  /** Why the spec can't be read. */
  readonly fault?: string | undefined;
  readonly gateway: GatewayStatus;
  /** That somebody else's object has the name of one of the gateway's. */
  readonly conflict: string | undefined;
  readonly workers: WorkerCounts;
  readonly refs: Verdict;
}

export const hasOnlyFailed = ({ total, failed }: WorkerCounts): boolean => total > 0 && failed === total;

/** A pool whose OIDC configs are amiss still takes ServiceAccounts, so that alone does not make it less ready. */
export function judge(findings: Findings): readonly Verdict[] {
  const gateway = judgeGateway(findings);
  const workers = judgeWorkers(findings.workers);
  return [judgePool(findings, gateway, workers), gateway, workers, findings.refs];
}

function judgePool({ isTerminating, fault }: Findings, gateway: Verdict, workers: Verdict): Verdict {
  const make = verdict(CONDITION_TYPES.ready);
  if (isTerminating) return make('False', REASONS.terminating, 'the pool is being deleted');
  if (fault !== undefined) return make('False', REASONS.specInvalid, `nobody is let in: ${fault}`);
  if (gateway.status === 'False') return make('False', REASONS.gatewayNotReady, gateway.message);
  if (workers.status === 'False') return make('False', REASONS.workersNotReady, workers.message);
  return make('True', REASONS.available, 'the pool takes builds');
}

function judgeGateway({ name, gateway, conflict }: Findings): Verdict {
  const make = verdict(CONDITION_TYPES.gatewayReady);
  if (conflict !== undefined) return make('False', REASONS.nameConflict, conflict);
  if (gateway.deploymentName === undefined) {
    return make('False', REASONS.deploymentMissing, `Deployment "${gatewayDeploymentName(name)}" does not exist`);
  }
  if (gateway.serviceName === undefined) {
    return make('False', REASONS.serviceMissing, `Service "${gatewayServiceName(name)}" does not exist`);
  }
  const message = `${gateway.readyReplicas} of ${gateway.replicas} gateway replicas are ready`;
  return gateway.ready ? make('True', REASONS.gatewayServing, message) : make('False', REASONS.noReadyReplica, message);
}

function judgeWorkers(workers: WorkerCounts): Verdict {
  const make = verdict(CONDITION_TYPES.workersReady);
  const { ready, desired, failed } = workers;
  if (hasOnlyFailed(workers)) return make('False', REASONS.allWorkersFailed, `all workers failed: ${failed}`);
  if (ready > 0) return make('True', REASONS.workersServing, `workers ready: ${ready}, wanted: ${desired}`);
  return desired === 0
    ? make('True', REASONS.scaledToZero, 'no worker is wanted')
    : make('False', REASONS.noReadyWorker, `workers ready: 0, wanted: ${desired}`);
}

export const verdict =
  (type: string) =>
  (status: Condition['status'], reason: string, message: string): Verdict => ({ type, status, reason, message });
