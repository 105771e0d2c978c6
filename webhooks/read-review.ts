/** The body of a request to any of the webhooks. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { maxReportedErrors } from '../api/limits.ts';
import { err, ok, type Result } from '../core/result.ts';

/** The review, or the HTTP answer to what is none. */
export async function readReview<S extends z.ZodType>(
  context: Context,
  schema: S,
): Promise<Result<z.output<S>, Response>> {
  const type = context.req.header('content-type')?.split(';', 1).join().trim().toLowerCase();
  if (type !== 'application/json') return err(context.text('content-type: expected application/json', 415));
  const body = parseJson(await context.req.text());
  if (!body.ok) return err(context.text('body: expected JSON', 400));
  const review = schema.safeParse(body.value);
  if (review.success) return ok(review.data);
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
