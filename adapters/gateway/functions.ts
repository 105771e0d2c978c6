/** What a gateway asks of the functions: leases, keys, reports, ticks. */
import type { connectionReport } from '../../api/http/connection-report.ts';
import {
  gatewayKeys,
  KEYS_REFUSALS,
  KEYS_PATH,
  WORKER_KEYS_PATH,
  workerKeys,
  type GatewayKeys,
  type GatewayKeysRequest,
  type WorkerKeysAnswer,
  type WorkerKeysRequest,
} from '../../api/http/keys.ts';
import {
  grantedLease,
  LEASES_PATH,
  pendingLease,
  RENEW_PATH,
  renewAnswer,
  type GrantedLease,
  type LeaseRequest,
  type RenewRequest,
} from '../../api/http/leases.ts';
import { TICKS_PATH, type TickRequest } from '../../api/http/ticks.ts';
import { leaseCallTimeoutMs, relayedKeysTimeoutMs } from '../../api/limits/gateway.ts';
import { STATUS_REPORTS_PATH } from '../../api/names.ts';
import { readProblem, type Refusal } from '../../core/gateway/refusal.ts';
import type { ConnectionReport } from '../../core/status/report.ts';
import type * as z from 'zod';
import type { Post, PostAnswer } from './post.ts';

export interface FunctionUrls {
  /** Of `api`, where `allocation` is. */
  readonly api: URL;
  readonly lifecycle: URL;
  readonly status: URL;
}

type LeaseAnswer =
  | ({ readonly kind: 'granted' } & GrantedLease)
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Each rejects when it may be tried again. */
export interface Functions {
  readonly askForLease: (request: LeaseRequest, signal: AbortSignal) => Promise<LeaseAnswer>;
  readonly renewLeases: (request: RenewRequest) => Promise<z.infer<typeof renewAnswer>['ended']>;
  readonly signKeys: (request: GatewayKeysRequest) => Promise<GatewayKeys>;
  /** With the token of the worker's Pod, in place of that of this one. */
  readonly signWorkerKeys: (request: WorkerKeysRequest, token: string) => Promise<WorkerKeysAnswer>;
  readonly report: (pool: string, report: ConnectionReport) => Promise<void>;
  readonly tick: (request: TickRequest) => Promise<void>;
}

export function createFunctions(post: Post, urls: FunctionUrls): Functions {
  const expectOk = async (url: URL, body: unknown): Promise<PostAnswer> => {
    const answer = await post({ url, body });
    if (answer.status < 200 || answer.status >= 300) throw unexpected(url, answer);
    return answer;
  };
  const leases = new URL(LEASES_PATH, urls.api);
  return {
    askForLease: async (body, signal) => {
      const answer = await post({ url: leases, body, signal, timeoutMs: leaseCallTimeoutMs });
      if (answer.status === 200) return { kind: 'granted', ...grantedLease.parse(answer.body) };
      if (answer.status === 202) return { kind: 'pending', message: pendingLease.parse(answer.body).message };
      const refusal = readProblem(answer.status, answer.body);
      if (refusal === undefined) throw unexpected(leases, answer);
      return { kind: 'refused', refusal };
    },
    renewLeases: async (body) => renewAnswer.parse((await expectOk(new URL(RENEW_PATH, urls.api), body)).body).ended,
    signKeys: async (body) => gatewayKeys.parse((await expectOk(new URL(KEYS_PATH, urls.lifecycle), body)).body),
    signWorkerKeys: async (body, token) => {
      const url = new URL(WORKER_KEYS_PATH, urls.lifecycle);
      const answer = await post({ url, body, token, timeoutMs: relayedKeysTimeoutMs });
      if (answer.status === 200) return { status: 200, keys: workerKeys.parse(answer.body) };
      const status = KEYS_REFUSALS.find((refused) => refused === answer.status);
      if (status === undefined) throw unexpected(url, answer);
      return { status };
    },
    report: async (pool, report) => {
      await expectOk(new URL(STATUS_REPORTS_PATH, urls.status), toBody(pool, report));
    },
    tick: async (body) => {
      await expectOk(new URL(TICKS_PATH, urls.lifecycle), body);
    },
  };
}

/** The answer's own words are left out: whatever answered may have put anything there. */
const unexpected = ({ pathname }: URL, { status }: PostAnswer): Error =>
  new Error(`${pathname}: expected an answer, got status ${status}`);

const toBody = (pool: string, report: ConnectionReport): z.infer<typeof connectionReport> => ({
  pool,
  startedAt: report.startedAt.toISOString(),
  sequence: report.sequence,
  active: report.active,
  total: report.total,
  ...(report.lastConnectionTime === undefined ? {} : { lastConnectionTime: report.lastConnectionTime.toISOString() }),
});
