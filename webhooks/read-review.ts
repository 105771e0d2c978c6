/** The body of a request to any of the webhooks. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { maxReportedErrors } from '../api/limits/messages.ts';
import { parseJson } from '../core/json-text.ts';
import { err, ok, type Result } from '../core/result.ts';

/**
 * The answer to what can't be a review, before any of it is read: the server reads no more than the length says.
 * The connection ends with it. Otherwise what is left of the body would stand before the next request, and the server
 * gives up reading it after a while: the next request would be lost, and nobody sends it again.
 */
export function checkHead({ req }: Context, maxBodyBytes: number): Response | undefined {
  const type = req.header('content-type')?.split(';', 1).join().trim().toLowerCase();
  if (type !== 'application/json') return refuse('content-type: expected application/json', 415);
  const length = req.header('content-length');
  if (length === undefined) return refuse('content-length: expected the length of the body', 411);
  return Number(length) <= maxBodyBytes ? undefined : refuse('body: too large', 413);
}

const refuse = (message: string, status: number): Response =>
  new Response(message, { status, headers: { connection: 'close', 'content-type': 'text/plain; charset=UTF-8' } });

/** The review, or the HTTP answer to what is none. */
export function readReview<S extends z.ZodType>(
  context: Context,
  text: string,
  schema: S,
): Result<z.output<S>, Response> {
  const body = parseBody(text);
  if (!body.ok) return err(context.text('body: expected JSON', 400));
  const review = schema.safeParse(body.value);
  if (review.success) return ok(review.data);
  const issues = review.error.issues.slice(0, maxReportedErrors);
  const problems = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return err(context.text(problems.join('; '), 400));
}

function parseBody(text: string): Result<unknown, undefined> {
  try {
    return ok(parseJson(text));
  } catch {
    return err(undefined);
  }
}

/**
 * Whether there may be more values in a JSON text than that, members and elements counted. Each takes memory of its own
 * when parsed, however short it is written.
 */
export function hasMoreValues(text: string, most: number): boolean {
  let values = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if ((code === comma || code === bracket || code === brace) && ++values > most) return true;
  }
  return false;
}

const [comma, bracket, brace] = [0x2c, 0x5b, 0x7b];
