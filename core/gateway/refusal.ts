/** Why a client gets no worker: what its terminal shows, and what the log and the metrics count. No I/O. */
import * as z from 'zod';
import type { GrpcStatus } from './http2.ts';

/**
 * Codes of gRPC. Never 14 (unavailable), which clients try again without a word, nor 2 or 13, which read like a defect.
 */
const CODES = {
  no_certificate: 16,
  bad_certificate: 16,
  expired: 16,
  not_yet_valid: 16,
  unauthenticated: 16,
  other_pool: 7,
  pool_recreated: 7,
  revoked: 7,
  forbidden: 7,
  lease_ended: 7,
  not_renewed: 9,
  worker_changed: 9,
  exhausted: 8,
  too_many_connections: 8,
  pool_deleted: 9,
  no_worker: 9,
  worker_unreachable: 9,
  failed_precondition: 9,
} as const;

export type RefusalReason = keyof typeof CODES;
export const REFUSAL_REASONS = Object.keys(CODES) as RefusalReason[];

export interface Refusal {
  readonly reason: RefusalReason;
  /** For a person who reads a terminal: says what to do where something can be done. */
  readonly message: string;
}

export const toStatus = ({ reason, message }: Refusal): GrpcStatus => ({ code: CODES[reason], message });

const answeredProblem = z.object({ detail: z.string(), code: z.string() });

const reasonByStatus: Readonly<Record<number, RefusalReason>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'failed_precondition',
  409: 'failed_precondition',
  410: 'lease_ended',
  412: 'failed_precondition',
  422: 'failed_precondition',
  429: 'exhausted',
};

/**
 * What `allocation` says of a client, as the client hears it. Undefined for what says nothing of the client: an answer
 * that is no problem, a failure, or that the gateway itself was not believed. Then it is asked again.
 */
export function readProblem(status: number, body: unknown): Refusal | undefined {
  const reason = reasonByStatus[status];
  const parsed = answeredProblem.safeParse(body);
  if (reason === undefined || !parsed.success || parsed.data.code === 'unauthenticated') return undefined;
  return { reason, message: parsed.data.detail };
}
