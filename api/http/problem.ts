/** Answers that are not success: `application/problem+json` (RFC 9457) with a stable `code`. */
import * as z from 'zod';
import { TOKEN_AUDIENCE } from '../names.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** Status and title of every code; codes never change their meaning. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'Bad Request' },
  unsupported_field: { status: 400, title: 'Bad Request' },
  duration_too_long: { status: 400, title: 'Bad Request' },
  unauthenticated: { status: 401, title: 'Unauthorized' },
  certificate_refused: { status: 401, title: 'Unauthorized' },
  pool_forbidden: { status: 403, title: 'Forbidden' },
  pool_not_found: { status: 404, title: 'Not Found' },
  not_found: { status: 404, title: 'Not Found' },
  method_not_allowed: { status: 405, title: 'Method Not Allowed' },
  worker_failed: { status: 409, title: 'Conflict' },
  body_too_large: { status: 413, title: 'Content Too Large' },
  unsupported_media_type: { status: 415, title: 'Unsupported Media Type' },
  no_worker_free: { status: 429, title: 'Too Many Requests' },
  lease_limit: { status: 429, title: 'Too Many Requests' },
  quota_exceeded: { status: 429, title: 'Too Many Requests' },
  unavailable: { status: 503, title: 'Service Unavailable' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** How a certificate request ends. */
export type CertificateOutcome = 'issued' | ProblemCode;

const problemCodes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** Of every `unauthenticated`, whatever is wrong with the token. */
export const UNAUTHENTICATED_DETAIL = `expected a bearer token for the audience ${TOKEN_AUDIENCE}, or one of an OIDC issuer that counts here`;

export const fieldError = z
  .object({
    field: z.string().describe('Path of the field, e.g. `pools[1]`; `body` is the whole body.'),
    expected: z.string().describe('What may stand there.'),
    got: z.string().describe('What stood there, shortened.'),
  })
  .describe('One field that is not as it must be.');
export type FieldError = z.infer<typeof fieldError>;

export const problem = z
  .object({
    type: z.literal('about:blank').describe('The status says the kind; `code` says it exactly.'),
    title: z.string().describe('The phrase of the status.'),
    status: z.int().describe('The HTTP status.'),
    detail: z.string().describe('What is wrong with this request, for a person.'),
    code: z.enum(problemCodes).describe('What is wrong, for a program.'),
    requestId: z.string().describe('Names this request in the logs.'),
    errors: z.array(fieldError).optional().describe('Every field that is not as it must be.'),
  })
  .describe('Why there is no other answer.');
export type Problem = z.infer<typeof problem>;

export interface ProblemFacts {
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

export const makeProblem = (code: ProblemCode, { detail, requestId, errors }: ProblemFacts): Problem => ({
  type: 'about:blank',
  title: PROBLEMS[code].title,
  status: PROBLEMS[code].status,
  detail,
  code,
  requestId,
  ...(errors === undefined ? {} : { errors: [...errors] }),
});
