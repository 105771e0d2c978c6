/** The admission webhooks: AdmissionReview v1 in and out, 200 on denial. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { admissionReview, type AdmissionAnswer, type AdmissionRequest } from '../../api/http/admission-review.ts';
import { maxReviewBodyBytes } from '../../api/limits.ts';
import { PROBE_PATHS } from '../../api/names.ts';
import { unavailable, unsupported } from '../../core/admission/answers.ts';
import { mutate, validate, type ValidationPorts } from '../../core/admission/decide.ts';
import { toObjectRequest, type ObjectRequest } from '../../core/admission/object-request.ts';
import { readReview } from '../read-review.ts';

interface DecisionLog {
  readonly info: (facts: object, message: string) => void;
  readonly error: (facts: object, message: string) => void;
}

export interface AdmissionPorts extends ValidationPorts {
  readonly log: DecisionLog;
}

type Decide = (request: ObjectRequest) => AdmissionAnswer | Promise<AdmissionAnswer>;

export function createAdmissionApp({ log, ...ports }: AdmissionPorts): Hono {
  const answer = (decide: Decide) => async (context: Context) => {
    const review = await readReview(context, admissionReview);
    if (!review.ok) return review.error;
    return context.json(await decideAndLog(review.value.request, decide, log));
  };
  const app = new Hono();
  app.use(bodyLimit({ maxSize: maxReviewBodyBytes, onError: (context) => context.text('body: too large', 413) }));
  app.post('/mutate', answer(mutate));
  app.post(
    '/validate',
    answer(async (request) => await validate(request, ports)),
  );
  app.get(PROBE_PATHS.alive, (context) => context.text('ok'));
  app.get(PROBE_PATHS.ready, (context) => context.text('ok'));
  return app;
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
  const parsed = toObjectRequest(request);
  if (!parsed.ok) return unsupported({ uid, kind: request.kind.kind, name }, parsed.error);
  try {
    return await decide(parsed.value);
  } catch (error) {
    log.error({ uid, error: (error as Error).message }, 'admission undecided');
    return unavailable(parsed.value);
  }
}
