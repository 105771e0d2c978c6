/** What gateways ask: a worker for a certificate, and more time for the leases that have connections. */
import { Hono, type Context } from 'hono';
import { leaseRequest, LEASES_PATH, RENEW_PATH, renewRequest, type LeaseRequest } from '../../api/http/leases.ts';
import {
  makeProblem,
  PROBLEM_CONTENT_TYPE,
  UNAUTHENTICATED_DETAIL,
  type FieldError,
  type ProblemCode,
} from '../../api/http/problem.ts';
import { maxLeaseBodyBytes } from '../../api/limits/allocation.ts';
import { retryAfterSeconds } from '../../api/limits/http.ts';
import { maxReportedErrors } from '../../api/limits/messages.ts';
import { gatewayAccountName } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { toFieldErrors } from '../../core/field-errors.ts';
import { toLeasedWorker } from '../../core/lifecycle/routes.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { Principal } from '../../core/principal.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readReporter, type Reporter } from '../../core/status/report.ts';
import { isAnnouncedTooLarge, parseJson, readBearer, readBody } from '../request.ts';
import type { Allocate, Outcome } from './allocate.ts';
import type { Renew } from './renew.ts';

export interface AllocationPorts {
  /** Whose token it is, by the word of the apiserver; undefined when it is refused. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>;
  readonly getPool: (key: PoolKey) => Promise<Pool | undefined>;
  readonly allocate: Allocate;
  readonly renew: Renew;
  readonly clusterFqdn: string;
  readonly newRequestId: () => string;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
}

interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

export function createAllocationApp(ports: AllocationPorts): Hono {
  const app = new Hono();
  app.post(LEASES_PATH, (context) => answer(ports, context, { schema: leaseRequest, work: allocateFor }));
  app.post(RENEW_PATH, (context) => answer(ports, context, { schema: renewRequest, work: renewFor }));
  app.notFound((context) => answerProblem(context, 'none', { code: 'not_found', detail: 'no such path' }));
  return app;
}

/** The gateway that asks, and its pool. */
interface Asked<T> {
  readonly body: T;
  readonly gateway: Reporter;
  readonly pool: Pool;
  readonly requestId: string;
}

interface Endpoint<T> {
  readonly schema: { readonly safeParse: (body: unknown) => Parsed<T> };
  readonly work: (ports: AllocationPorts, context: Context, asked: Asked<T>) => Promise<Response>;
}

type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: Parameters<typeof toFieldErrors>[0][] } };

/** A stranger is refused before anything of the body is read. */
async function answer<T extends { readonly pool: string }>(
  ports: AllocationPorts,
  context: Context,
  { schema, work }: Endpoint<T>,
): Promise<Response> {
  const requestId = ports.newRequestId();
  try {
    const asked = await readAsked(ports, context.req.raw, schema);
    if (!asked.ok) return answerProblem(context, requestId, asked.error);
    return await work(ports, context, { ...asked.value, requestId });
  } catch (error) {
    ports.log.error({ requestId, error: (error as Error).message }, 'lease not decided');
    return answerProblem(context, requestId, {
      code: 'unavailable',
      detail: 'a part this needs is not there; try again',
    });
  }
}

async function readAsked<T extends { readonly pool: string }>(
  ports: AllocationPorts,
  request: Request,
  schema: Endpoint<T>['schema'],
): Promise<Result<Omit<Asked<T>, 'requestId'>, Refusal>> {
  if (isAnnouncedTooLarge(request, maxLeaseBodyBytes)) return err(tooLarge);
  const token = readBearer(request);
  const principal = token === undefined ? undefined : await ports.authenticate(token);
  const gateway = principal === undefined ? undefined : readReporter(principal);
  if (principal === undefined || gateway === undefined) {
    return err({ code: 'unauthenticated', detail: UNAUTHENTICATED_DETAIL });
  }
  const body = await readBody(request, maxLeaseBodyBytes);
  if (!body.ok) return err(tooLarge);
  const json = parseJson(body.value);
  const value = json.ok ? json.value : undefined;
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const errors = parsed.error.issues.flatMap((issue) => toFieldErrors(issue, value)).slice(0, maxReportedErrors);
    return err({ code: 'invalid_request', detail: 'the request is not as it must be', errors });
  }
  const key = { namespace: gateway.namespace, name: parsed.data.pool };
  const account = `system:serviceaccount:${key.namespace}:${gatewayAccountName(key.name)}`;
  if (principal.user.username !== account) return err(notTheGateway);
  const pool = await ports.getPool(key);
  if (pool === undefined || pool.metadata.deletionTimestamp !== undefined) return err(noPool);
  return ok({ body: parsed.data, gateway, pool });
}

const tooLarge: Refusal = { code: 'body_too_large', detail: `expected at most ${maxLeaseBodyBytes} bytes` };
/** 401, which says nothing of the client that waits. */
const notTheGateway: Refusal = {
  code: 'unauthenticated',
  detail: 'expected a token of a Pod of the gateway of this pool',
};
const noPool: Refusal = { code: 'pool_not_found', detail: 'the pool does not exist, or is being deleted' };

async function allocateFor(ports: AllocationPorts, context: Context, asked: Asked<LeaseRequest>): Promise<Response> {
  const { pool, body, gateway, requestId } = asked;
  const outcome = await ports.allocate({ pool, request: body, gateway: gateway.uid });
  ports.log.info({ requestId, pool: pool.metadata.uid, ...describe(outcome) }, 'lease decided');
  if (outcome.do === 'refuse') return answerProblem(context, requestId, outcome);
  if (outcome.do === 'wait') {
    const { lease, reason, message } = outcome;
    return context.json({ lease, reason, message }, 202, { 'Cache-Control': 'no-store', 'Retry-After': '1' });
  }
  const worker = toLeasedWorker(outcome.worker, ports.clusterFqdn);
  return context.json({ lease: outcome.lease, worker }, 200, { 'Cache-Control': 'no-store' });
}

function describe(outcome: Outcome): object {
  const who = { principal: outcome.principal, fingerprint: outcome.fingerprint, outcome: outcome.do };
  if (outcome.do === 'grant') {
    const { namespace, name, uid } = outcome.worker.metadata;
    return { ...who, lease: outcome.lease, worker: `${namespace}/${name}`, workerUid: uid };
  }
  return outcome.do === 'wait'
    ? { ...who, lease: outcome.lease, reason: outcome.reason }
    : { ...who, code: outcome.code };
}

async function renewFor(
  ports: AllocationPorts,
  context: Context,
  { pool, body, requestId }: Asked<{ readonly pool: string; readonly leases: readonly string[] }>,
): Promise<Response> {
  const ended = await ports.renew(pool, body.leases);
  if (ended.length > 0) ports.log.info({ requestId, pool: pool.metadata.uid, ended }, 'leases ended');
  return context.json({ ended }, 200, { 'Cache-Control': 'no-store' });
}

function answerProblem(context: Context, requestId: string, { code, detail, errors }: Refusal): Response {
  const problem = makeProblem(code, { detail, requestId, ...(errors === undefined ? {} : { errors }) });
  return context.body(JSON.stringify(problem), problem.status as 400, {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    ...(code === 'unavailable' ? { 'Retry-After': String(retryAfterSeconds) } : {}),
  });
}
