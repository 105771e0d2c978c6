/** The admission webhooks: AdmissionReview v1 in and out, 200 on denial. */
import { Hono, type Context } from 'hono';
import { admissionReview, type AdmissionAnswer, type AdmissionRequest } from '../../api/http/admission-review.ts';
import { maxLoggedUserLength } from '../../api/limits/messages.ts';
import { maxReviewBodyBytes, maxReviewBytesAtOnce, maxReviewCharsAtOnce } from '../../api/limits/webhooks.ts';
import type { ReviewOutcome, Webhook } from '../../api/names.ts';
import { unavailable, unsupported } from '../../core/admission/answers.ts';
import { mutate, validate, type ValidationPorts } from '../../core/admission/decide.ts';
import { toObjectRequest, type ObjectRequest } from '../../core/admission/object-request.ts';
import { createSemaphore } from '../../core/semaphore.ts';
import { answerBusy, createBodyReader } from '../read-body.ts';
import { checkHead, readReview } from '../read-review.ts';

interface DecisionLog {
  readonly info: (facts: object, message: string) => void;
  readonly error: (facts: object, message: string) => void;
}

export interface AdmissionPorts {
  /** For one review, from its head on: what is asked through them ends in time for an answer, by throwing if need be. */
  readonly openPorts: () => ValidationPorts;
  readonly log: DecisionLog;
  /** Times and counts a review; what is returned is called once, at its end. */
  readonly startReview: (webhook: Webhook) => (outcome: ReviewOutcome) => void;
}

type Decide = (request: ObjectRequest, ports: ValidationPorts) => AdmissionAnswer | Promise<AdmissionAnswer>;

export function createAdmissionApp({ log, startReview, openPorts }: AdmissionPorts): Hono {
  const readBody = createBodyReader(maxReviewBytesAtOnce);
  const tryAcquire = createSemaphore(maxReviewCharsAtOnce);
  const answer = (webhook: Webhook, decide: Decide) => async (context: Context) => {
    const endReview = startReview(webhook);
    const ports = openPorts();
    const refusal = checkHead(context, maxReviewBodyBytes);
    if (refusal !== undefined) {
      endReview('malformed');
      return refusal;
    }
    const body = await readBody(context);
    if (!body.ok) {
      endReview(body.error.status === 503 ? 'unavailable' : 'malformed');
      return body.error;
    }
    const release = tryAcquire(body.value.length);
    if (release === undefined) {
      endReview('unavailable');
      return answerBusy();
    }
    try {
      const review = readReview(context, body.value, admissionReview);
      if (!review.ok) {
        endReview('malformed');
        return review.error;
      }
      const { request } = review.value;
      const decided = await decideOn(request, (parsed) => decide(parsed, ports), log);
      const outcome = outcomeOf(decided);
      endReview(outcome);
      logDecision(request, decided, { outcome, log });
      return context.json(decided);
    } finally {
      release();
    }
  };
  const app = new Hono();
  app.post('/mutate', answer('mutate', mutate));
  app.post('/validate', answer('validate', validate));
  return app;
}

function outcomeOf({ response }: AdmissionAnswer): ReviewOutcome {
  if (response.allowed) return response.patch === undefined ? 'allowed' : 'patched';
  return response.status?.code === 503 ? 'unavailable' : 'denied';
}

interface Logged {
  readonly outcome: ReviewOutcome;
  readonly log: DecisionLog;
}

function logDecision(request: AdmissionRequest, { response }: AdmissionAnswer, { outcome, log }: Logged): void {
  log.info(
    {
      uid: request.uid,
      user: request.userInfo.username.slice(0, maxLoggedUserLength),
      operation: request.operation,
      namespace: request.namespace,
      name: request.name,
      outcome,
      reason: response.status?.reason,
    },
    'admission decided',
  );
}

/** Closed: what can't be decided is denied. */
async function decideOn(
  request: AdmissionRequest,
  decide: (request: ObjectRequest) => AdmissionAnswer | Promise<AdmissionAnswer>,
  log: DecisionLog,
): Promise<AdmissionAnswer> {
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
