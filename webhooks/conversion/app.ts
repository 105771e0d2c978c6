/** The conversion webhook: ConversionReview v1 in and out, 200 on failure. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { conversionReview, makeConversionAnswer } from '../../api/http/conversion-review.ts';
import { maxConversionBodyBytes } from '../../api/limits.ts';
import { CONVERSION_PATH } from '../../api/names.ts';
import { convertReview } from '../../core/conversion/review.ts';
import { readReview } from '../read-review.ts';

export interface ConversionPorts {
  readonly log: { readonly error: (facts: object, message: string) => void };
}

export function createConversionApp({ log }: ConversionPorts): Hono {
  const app = new Hono();
  app.post(
    CONVERSION_PATH,
    bodyLimit({ maxSize: maxConversionBodyBytes, onError: (context) => context.text('body: too large', 413) }),
    async (context) => {
      const review = await readReview(context, conversionReview);
      if (!review.ok) return review.error;
      const response = convertReview(review.value.request);
      // Success is the rule, several times a write: only what an operator must know of is told.
      if (response.result.status === 'Failure') {
        log.error({ uid: response.uid, error: response.result.message }, 'conversion failed');
      }
      return context.json(makeConversionAnswer(response));
    },
  );
  app.onError((error, context) => {
    log.error({ error: error.message }, 'conversion broke');
    return context.text('conversion: failed', 500);
  });
  return app;
}
