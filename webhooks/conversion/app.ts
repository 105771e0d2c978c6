/** The conversion webhook: ConversionReview v1 in and out, 200 on failure. */
import { Hono, type Context } from 'hono';
import { conversionReview, makeConversionAnswer } from '../../api/http/conversion-review.ts';
import { maxConversionBodyBytes, maxConversionBytesAtOnce, maxConversionValues } from '../../api/limits/webhooks.ts';
import { CONVERSION_PATH, type ReviewOutcome, type Webhook } from '../../api/names.ts';
import { convertReview } from '../../core/conversion/review.ts';
import { createBodyReader } from '../read-body.ts';
import { checkHead, hasMoreValues, readReview } from '../read-review.ts';

export interface ConversionPorts {
  readonly log: { readonly error: (facts: object, message: string) => void };
  /** Times and counts a review; what is returned is called once, at its end. */
  readonly startReview: (webhook: Webhook) => (outcome: ReviewOutcome) => void;
}

interface Answered {
  readonly outcome: ReviewOutcome;
  readonly answer: Response;
}

export function createConversionApp({ log, startReview }: ConversionPorts): Hono {
  const readBody = createBodyReader(maxConversionBytesAtOnce);
  const answer = async (context: Context): Promise<Answered> => {
    const refusal = checkHead(context, maxConversionBodyBytes);
    if (refusal !== undefined) return { outcome: 'malformed', answer: refusal };
    const body = await readBody(context);
    if (body.ok) return convert(context, body.value, log);
    return { outcome: body.error.status === 503 ? 'unavailable' : 'malformed', answer: body.error };
  };
  const app = new Hono();
  app.post(CONVERSION_PATH, async (context) => {
    const endReview = startReview('convert');
    const answered = await answer(context).catch((error: unknown): Answered => {
      log.error({ error: (error as Error).message }, 'conversion broke');
      return { outcome: 'failed', answer: context.text('conversion: failed', 500) };
    });
    endReview(answered.outcome);
    return answered.answer;
  });
  return app;
}

function convert(context: Context, text: string, log: ConversionPorts['log']): Answered {
  if (hasMoreValues(text, maxConversionValues))
    return { outcome: 'malformed', answer: context.text('body: too many values', 413) };
  const review = readReview(context, text, conversionReview);
  if (!review.ok) return { outcome: 'malformed', answer: review.error };
  const response = convertReview(review.value.request);
  const answer = context.json(makeConversionAnswer(response));
  if (response.result.status === 'Success') return { outcome: 'converted', answer };
  // Success is the rule, several times a write: only what an operator must know of is told.
  log.error({ uid: response.uid, error: response.result.message }, 'conversion failed');
  return { outcome: 'failed', answer };
}
