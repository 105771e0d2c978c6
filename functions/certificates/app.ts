/**
 * POST /api/v1/certs/request: body size, token, content type, body, permission, in this order; then a certificate.
 */
import { Hono, type Context } from 'hono';
import { CERTIFICATES_PATH, type CertificateAnswer } from '../../api/http/certificates.ts';
import { makeProblem, PROBLEM_CONTENT_TYPE, type ProblemCode } from '../../api/http/problem.ts';
import { maxRequestBodyBytes, maxTokenBytes, retryAfterSeconds } from '../../api/limits.ts';
import { poolEndpoint, PROBE_PATHS, TOKEN_AUDIENCE } from '../../api/names.ts';
import openApi from '../../api/openapi.gen.json' with { type: 'json' };
import type { Caller } from '../../core/caller.ts';
import { parseCertificateRequest } from '../../core/certificates/request.ts';
import { formatPoolKey } from '../../core/pool-reference.ts';
import type { Principal } from '../../core/principal.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isJson, parseJson, readBody } from './body.ts';
import { decide, refusals, type Decision, type DecisionPorts, type Refusal } from './decide.ts';

export interface CertificatesPorts extends DecisionPorts {
  /** Whoever shows the token; undefined when it is refused. Throws when the apiserver gives no verdict. */
  readonly authenticate: (token: string) => Promise<Caller | undefined>;
  readonly newRequestId: () => string;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
}

const OPENAPI_PATH = '/openapi.json';

type Env = { Variables: { requestId: string } };

export function createCertificatesApp(ports: CertificatesPorts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    context.set('requestId', ports.newRequestId());
    await next();
  });
  app.post(CERTIFICATES_PATH, async (context) => await answerRequest(ports, context));
  app.all(CERTIFICATES_PATH, (context) => answerMethod(context, 'POST'));
  for (const path of ['/api/v1/health', PROBE_PATHS.alive, PROBE_PATHS.ready, OPENAPI_PATH]) {
    app.get(path, (context) => (path === OPENAPI_PATH ? context.json(openApi) : context.text('OK')));
    app.all(path, (context) => answerMethod(context, 'GET, HEAD'));
  }
  app.notFound((context) => answerProblem(context, { code: 'not_found', detail: 'no such path' }));
  app.onError((error, context) => {
    ports.log.error({ requestId: context.var.requestId, error: error.message }, 'request not answered');
    return answerProblem(context, { code: 'unavailable', detail: 'a part this needs is not there; try again' });
  });
  return app;
}

async function answerRequest(ports: CertificatesPorts, context: Context<Env>): Promise<Response> {
  const request = context.req.raw;
  const body = await readBody(request);
  if (!body.ok) return refuse(ports, context, tooLarge);
  const caller = await authenticate(ports, request.headers.get('authorization') ?? '');
  if (!caller.ok) return refuse(ports, context, caller.error);
  const decision = await judge(ports, caller.value, {
    bytes: body.value,
    contentType: request.headers.get('content-type'),
  });
  if (decision.ok) return issue(ports, context, decision.value);
  const known = caller.value.kind === 'known' ? { principal: caller.value.principal } : {};
  return refuse(ports, context, { ...known, ...decision.error });
}

const tooLarge: Refusal = { code: 'body_too_large', detail: `expected at most ${maxRequestBodyBytes} bytes` };

async function authenticate(ports: CertificatesPorts, authorization: string): Promise<Result<Caller, Refusal>> {
  const [, token] = /^Bearer +([^\s]+) *$/i.exec(authorization) ?? [];
  const caller = token === undefined || token.length > maxTokenBytes ? undefined : await ports.authenticate(token);
  return caller === undefined ? err(refusals.unauthenticated) : ok(caller);
}

async function judge(
  ports: CertificatesPorts,
  caller: Caller,
  body: { readonly bytes: Uint8Array; readonly contentType: string | null },
): Promise<Result<Decision, Refusal>> {
  if (!isJson(body.contentType ?? '')) {
    return err({ code: 'unsupported_media_type', detail: 'expected application/json in UTF-8' });
  }
  const json = parseJson(body.bytes);
  if (!json.ok) return err(brokenJson);
  const parsed = parseCertificateRequest(json.value);
  if (!parsed.ok) return err({ detail: 'the request is not as it must be', ...parsed.error });
  return await decide(ports, caller, parsed.value);
}

const brokenJson: Refusal = {
  code: 'invalid_request',
  detail: 'the request is not as it must be',
  errors: [{ field: 'body', expected: 'a JSON object', got: 'something that is not JSON in UTF-8' }],
};

function issue({ log }: CertificatesPorts, context: Context<Env>, decision: Decision): Response {
  const { requestId } = context.var;
  const { principal, identities, certificate } = decision;
  const { serial, subjectKeyId } = certificate;
  const poolUids = identities.map(({ uid }) => uid);
  log.info({ requestId, ...describe(principal), outcome: 'issued', serial, subjectKeyId, poolUids }, auditMessage);
  return context.json(makeAnswer(decision, requestId), 200, { 'Cache-Control': 'no-store' });
}

function refuse({ log }: CertificatesPorts, context: Context<Env>, { principal, ...refusal }: Refusal): Response {
  const who = principal === undefined ? {} : describe(principal);
  log.info({ requestId: context.var.requestId, ...who, outcome: refusal.code }, auditMessage);
  return answerProblem(context, refusal);
}

/** Who it is for the audit log, and by whose word. */
const describe = ({ user, vouched, tokenId }: Principal) => ({
  principal: user.username,
  ...(vouched === undefined ? {} : { issuerUid: vouched.by.uid }),
  ...(tokenId === undefined ? {} : { tokenId }),
});

const auditMessage = 'certificate request decided';

const makeAnswer = ({ pools, certificate }: Decision, requestId: string): CertificateAnswer => ({
  caCert: certificate.caCert,
  clientCert: certificate.clientCert,
  clientKey: certificate.clientKey,
  endpoints: Object.fromEntries(
    pools.flatMap(({ key, names }) => names.map((name) => [name, poolEndpoint(key.namespace, key.name)])),
  ),
  expiresAt: new Date(certificate.notAfter * 1000).toISOString().replace('.000Z', 'Z'),
  serial: certificate.serial,
  pools: pools.map(({ key }) => formatPoolKey(key)),
  requestId,
});

function answerMethod(context: Context<Env>, allowed: string): Response {
  context.header('Allow', allowed);
  return answerProblem(context, { code: 'method_not_allowed', detail: `expected ${allowed}` });
}

/** Headers that a status asks for (RFC 9110, 11.6.1 and 10.2.3; RFC 6750, 3). */
const problemHeaders: Partial<Record<ProblemCode, Readonly<Record<string, string>>>> = {
  unauthenticated: { 'WWW-Authenticate': `Bearer realm="${TOKEN_AUDIENCE}"` },
  unavailable: { 'Retry-After': String(retryAfterSeconds) },
};

function answerProblem(context: Context<Env>, refusal: Omit<Refusal, 'principal'>): Response {
  const { code, ...facts } = refusal;
  const problem = makeProblem(code, { ...facts, requestId: context.var.requestId });
  return context.body(JSON.stringify(problem), problem.status as 400, {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    ...problemHeaders[code],
  });
}
