/** What a Pod of ours asks of a function: who it is, what it asks for, and then the answer. */
import type * as z from 'zod';
import { retryAfterSeconds } from '../api/limits/http.ts';
import { maxReportedErrors } from '../api/limits/messages.ts';
import { toFieldErrors } from '../core/field-errors.ts';
import type { Principal } from '../core/principal.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readReporter, type Reporter } from '../core/status/report.ts';
import { isAnnouncedTooLarge, parseJson, readBearer, readBody } from './request.ts';

export interface PodCaller extends Reporter {
  /** User name of its ServiceAccount. */
  readonly username: string;
}

export interface PodRequestOptions<T> {
  /** Whose token it is, by the word of the apiserver; undefined when it is refused. Rejects when nobody can say now. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>;
  readonly schema: z.ZodType<T>;
  readonly maxBodyBytes: number;
  /** Rejects when it may be tried again. */
  readonly answer: (caller: PodCaller, body: T) => Promise<Response>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

/** 400 malformed, 401 no token of a Pod before anything is read, 413 too large, 503 to be sent again. Never rejects. */
export function createPodHandler<T>(options: PodRequestOptions<T>): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await handle(options, request);
    } catch (error) {
      options.log.warn({ error: (error as Error).message }, 'request of a Pod not answered');
      return new Response('try again', { status: 503, headers: { 'retry-after': String(retryAfterSeconds) } });
    }
  };
}

async function handle<T>(options: PodRequestOptions<T>, request: Request): Promise<Response> {
  const { maxBodyBytes, answer } = options;
  const tooLarge = () => new Response(`body: expected <= ${maxBodyBytes} bytes`, { status: 413 });
  if (isAnnouncedTooLarge(request, maxBodyBytes)) return tooLarge();
  const caller = await findCaller(options, request);
  if (caller === undefined) {
    return new Response('expected a token of a Pod', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
  }
  const body = await readBody(request, maxBodyBytes);
  if (!body.ok) return tooLarge();
  const parsed = parseWith(options.schema, body.value);
  return parsed.ok ? await answer(caller, parsed.value) : new Response(parsed.error, { status: 400 });
}

async function findCaller<T>(
  { authenticate }: Pick<PodRequestOptions<T>, 'authenticate'>,
  request: Request,
): Promise<PodCaller | undefined> {
  const token = readBearer(request);
  const principal = token === undefined ? undefined : await authenticate(token);
  const reporter = principal === undefined ? undefined : readReporter(principal);
  return principal === undefined || reporter === undefined
    ? undefined
    : { ...reporter, username: principal.user.username };
}

/** The error names each field, what was expected and what came. */
function parseWith<T>(schema: z.ZodType<T>, body: Uint8Array): Result<T, string> {
  const json = parseJson(body);
  const value = json.ok ? json.value : undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const errors = parsed.error.issues.flatMap((issue) => toFieldErrors(issue, value)).slice(0, maxReportedErrors);
  return err(errors.map(({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`).join('\n'));
}
