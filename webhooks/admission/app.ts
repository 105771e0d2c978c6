/** The admission webhooks: AdmissionReview v1 in and out, 200 on denial. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { admissionReview, type AdmissionAnswer, type AdmissionRequest } from '../../api/http/admission-review.ts';
import { maxReportedErrors, maxReviewBodyBytes } from '../../api/limits.ts';
import { PROBE_PATHS } from '../../api/names.ts';
import { unavailable, unsupported } from '../../core/admission/answers.ts';
import { defaultWorker } from '../../core/admission/default-worker.ts';
import { validateWorker, type ReferencePorts } from '../../core/admission/validate-worker.ts';
import { toWorkerRequest, type WorkerRequest } from '../../core/admission/worker-request.ts';
import { err, ok, type Result } from '../../core/result.ts';

interface DecisionLog {
  readonly info: (facts: object, message: string) => void;
  readonly error: (facts: object, message: string) => void;
}

export interface AdmissionPorts extends ReferencePorts {
  readonly log: DecisionLog;
}

type Decide = (request: WorkerRequest) => AdmissionAnswer | Promise<AdmissionAnswer>;

export function createAdmissionApp({ log, ...ports }: AdmissionPorts): Hono {
  const answer = (decide: Decide) => async (context: Context) => {
    const review = await readReview(context);
    if (!review.ok) return review.error;
    return context.json(await decideAndLog(review.value, decide, log));
  };
  const app = new Hono();
  app.use(bodyLimit({ maxSize: maxReviewBodyBytes, onError: (context) => context.text('body: too large', 413) }));
  app.post('/mutate', answer(defaultWorker));
  app.post(
    '/validate',
    answer(async (request) => await validateWorker(request, ports)),
  );
  app.get(PROBE_PATHS.alive, (context) => context.text('ok'));
  app.get(PROBE_PATHS.ready, (context) => context.text('ok'));
  return app;
}

/** The review, or the HTTP answer to what is none. */
async function readReview(context: Context): Promise<Result<AdmissionRequest, Response>> {
  const type = context.req.header('content-type')?.split(';', 1).join().trim().toLowerCase();
  if (type !== 'application/json') return err(context.text('content-type: expected application/json', 415));
  const body = parseJson(await context.req.text());
  if (!body.ok) return err(context.text('body: expected JSON', 400));
  const review = admissionReview.safeParse(body.value);
  if (review.success) return ok(review.data.request);
  const issues = review.error.issues.slice(0, maxReportedErrors);
  const problems = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return err(context.text(problems.join('; '), 400));
}

function parseJson(text: string): Result<unknown, undefined> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(undefined);
  }
}

async function decideAndLog(request: AdmissionRequest, decide: Decide, log: DecisionLog): Promise<AdmissionAnswer> {
  const answer = await decideOn(request, decide, log);
  const { allowed, patch, status } = answer.response;
  log.info(
    {
      uid: request.uid,
      user: request.userInfo.username,
      operation: request.operation,
      namespace: request.namespace,
      name: request.name,
      outcome: allowed ? (patch === undefined ? 'allowed' : 'patched') : 'denied',
      reason: status?.reason,
    },
    'admission decided',
  );
  return answer;
}

/** Closed: what can't be decided is denied. */
async function decideOn(request: AdmissionRequest, decide: Decide, log: DecisionLog): Promise<AdmissionAnswer> {
  const { uid, name = '' } = request;
  const worker = toWorkerRequest(request);
  if (!worker.ok) return unsupported({ uid, name }, worker.error);
  try {
    return await decide(worker.value);
  } catch (error) {
    log.error({ uid, error: (error as Error).message }, 'admission undecided');
    return unavailable(worker.value);
  }
}
