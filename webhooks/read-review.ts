/** The body of a request to any of the webhooks. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { maxReportedErrors } from '../api/limits.ts';
import { err, ok, type Result } from '../core/result.ts';

/** The answer to what can't be a review, before any of it is read: the server reads no more than the length says. */
export function checkHead(context: Context, maxBodyBytes: number): Response | undefined {
  const type = context.req.header('content-type')?.split(';', 1).join().trim().toLowerCase();
  if (type !== 'application/json') return context.text('content-type: expected application/json', 415);
  const length = context.req.header('content-length');
  if (length === undefined) return context.text('content-length: expected the length of the body', 411);
  return Number(length) <= maxBodyBytes ? undefined : context.text('body: too large', 413);
}

/** The review, or the HTTP answer to what is none. */
export function readReview<S extends z.ZodType>(
  context: Context,
  text: string,
  schema: S,
): Result<z.output<S>, Response> {
  const body = parseJson(text);
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

/** Room for so much at once: taken until what is returned is called; undefined where there is not enough left. */
export function createRoom(size: number): (amount: number) => (() => void) | undefined {
  let taken = 0;
  return (amount) => {
    if (taken + amount > size) return undefined;
    taken += amount;
    return () => {
      taken -= amount;
    };
  };
}
