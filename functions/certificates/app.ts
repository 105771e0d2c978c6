/**
 * POST /api/v1/certs/request: announced size, token, content type, size, body, permission, in this order; then a certificate.
 */
import { Hono, type Context } from 'hono';
import { CERTIFICATES_PATH, type CertificateAnswer } from '../../api/http/certificates.ts';
import { makeProblem, PROBLEM_CONTENT_TYPE, type ProblemCode } from '../../api/http/problem.ts';
import { maxRequestBodyBytes, retryAfterSeconds } from '../../api/limits/http.ts';
import { maxTokenBytes } from '../../api/limits/tokens.ts';
import { HEALTH_PATH, PROBE_PATHS, REQUEST_ID_HEADER, TOKEN_AUDIENCE } from '../../api/names.ts';
import openApi from '../../api/openapi.gen.json' with { type: 'json' };
import type { Caller, TokenRefusal } from '../../core/caller.ts';
import { decide, type Decision, type DecisionPorts, type DecisionReads } from '../../core/certificates/decide.ts';
import { refuseToken, type Refusal } from '../../core/certificates/refusals.ts';
import { parseCertificateRequest, type ReadCsr } from '../../core/certificates/request.ts';
import { show } from '../../core/field-errors.ts';
import { formatPoolKey } from '../../core/pool-reference.ts';
import { err, type Result } from '../../core/result.ts';
import { isAnnouncedTooLarge, isJson, parseJson, readBearer, readBody } from '../request.ts';
import { startAudit, type AuditPorts } from './audit.ts';

export interface CertificatesPorts extends Omit<DecisionPorts, keyof DecisionReads>, AuditPorts {
  /** Called when a request arrives: what is read by them is as it was then, or later. */
  readonly openReads: () => DecisionReads;
  /** Whoever shows the token. Throws when the apiserver gives no verdict. */
  readonly authenticate: (token: string) => Promise<Result<Caller, TokenRefusal>>;
  /** Checks that the sender has the key, and takes nothing but the key. */
  readonly readCsr: ReadCsr;
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
    const requestId = ports.newRequestId();
    context.set('requestId', requestId);
    context.header(REQUEST_ID_HEADER, requestId);
    await next();
  });
  app.post(CERTIFICATES_PATH, async (context) => await answerRequest(ports, context));
  app.all(CERTIFICATES_PATH, (context) => answerMethod(context, 'POST'));
  for (const path of [HEALTH_PATH, PROBE_PATHS.alive, PROBE_PATHS.ready, OPENAPI_PATH]) {
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

/** A stranger is refused before anything of the body is read. */
async function answerRequest(ports: CertificatesPorts, context: Context<Env>): Promise<Response> {
  const audit = startAudit(ports, context.var.requestId);
  const reads = ports.openReads();
  try {
    const request = context.req.raw;
    const caller = isAnnouncedTooLarge(request, maxRequestBodyBytes)
      ? err(tooLarge)
      : await authenticate(ports, request);
    const decision = caller.ok ? await evaluate({ ...ports, ...reads }, caller.value, request) : caller;
    if (decision.ok) {
      audit.issued(decision.value);
      return context.json(makeAnswer(decision.value, context.var.requestId), 200, { 'Cache-Control': 'no-store' });
    }
    const known = caller.ok && caller.value.kind === 'known' ? { principal: caller.value.principal } : {};
    audit.refused({ ...known, ...decision.error });
    return answerProblem(context, decision.error);
  } catch (error) {
    audit.failed();
    throw error;
  }
}

const tooLarge: Refusal = { code: 'body_too_large', detail: `expected at most ${maxRequestBodyBytes} bytes` };

async function authenticate(ports: CertificatesPorts, request: Request): Promise<Result<Caller, Refusal>> {
  const token = readBearer(request);
  if (token === undefined) return err(refuseToken('none'));
  const caller = token.length > maxTokenBytes ? err('refused' as const) : await ports.authenticate(token);
  return caller.ok ? caller : err(refuseToken(caller.error));
}

async function evaluate(
  ports: DecisionPorts & Pick<CertificatesPorts, 'readCsr'>,
  caller: Caller,
  request: Request,
): Promise<Result<Decision, Refusal>> {
  const contentType = request.headers.get('content-type') ?? undefined;
  if (!isJson(contentType ?? '')) {
    const detail = `expected application/json in UTF-8, got ${show(contentType)}`;
    return err({ code: 'unsupported_media_type', detail });
  }
  const body = await readBody(request, maxRequestBodyBytes);
  if (!body.ok) return err(tooLarge);
  const json = parseJson(body.value);
  if (!json.ok) return err(brokenJson);
  const parsed = parseCertificateRequest(json.value, ports.readCsr);
  if (!parsed.ok) return err({ detail: 'the request is not as it must be', ...parsed.error });
  return await decide(ports, caller, parsed.value);
}

const brokenJson: Refusal = {
  code: 'invalid_request',
  detail: 'the request is not as it must be',
  errors: [{ field: 'body', expected: 'a JSON object', got: 'something that is not JSON in UTF-8' }],
};

const makeAnswer = ({ pools, certificate }: Decision, requestId: string): CertificateAnswer => ({
  caCert: certificate.caCert,
  clientCert: certificate.clientCert,
  ...(certificate.clientKey === undefined ? {} : { clientKey: certificate.clientKey }),
  endpoints: Object.fromEntries(pools.flatMap(({ names, endpoint }) => names.map((name) => [name, endpoint]))),
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

function answerProblem(context: Context<Env>, refusal: Refusal): Response {
  const { code, detail, errors } = refusal;
  const facts = { detail, requestId: context.var.requestId, ...(errors === undefined ? {} : { errors }) };
  const problem = makeProblem(code, facts);
  return context.body(JSON.stringify(problem), problem.status as 400, {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    ...problemHeaders[code],
  });
}
