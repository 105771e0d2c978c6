/** AdmissionReview, admission.k8s.io/v1 (https://pkg.go.dev/k8s.io/api/admission/v1). */
import * as z from 'zod';
import { maxObjectNameLength } from '../limits/fields.ts';

export const ADMISSION_API_VERSION = 'admission.k8s.io/v1';
export const ADMISSION_KIND = 'AdmissionReview';

const isStringList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isStringLists = (value: unknown): value is Record<string, string[] | null> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((item) => item === null || isStringList(item));

/** Lists are judged whole: one finding per element would let a small body make a large answer. Go writes empty as null. */
const userInfo = z.object({
  username: z.string(),
  uid: z.string().optional(),
  groups: z.custom<string[]>(isStringList, { error: 'expected a list of strings' }).nullish(),
  extra: z
    .custom<Record<string, string[] | null>>(isStringLists, { error: 'expected lists of strings by key' })
    .nullish(),
});

/** Comes back in answers and log lines. */
const word = z.string().max(maxObjectNameLength);

const admissionRequest = z.object({
  uid: word.min(1),
  kind: z.object({ group: word, version: word, kind: word }),
  resource: z.object({ group: word, version: word, resource: word }),
  /** The kind as it was sent, before it was converted for us. */
  requestKind: z.object({ group: word, version: word, kind: word }).optional(),
  subResource: word.optional(),
  /** Absent where the apiserver is still to generate it. Too long a name comes here before anybody refuses it. */
  name: z
    .string()
    .transform((name) => name.slice(0, maxObjectNameLength))
    .optional(),
  namespace: word.optional(),
  operation: word,
  userInfo,
  /** Whatever a user sent: the mutating webhook sees it before the schema does. */
  object: z.unknown(),
  oldObject: z.unknown(),
});
export type AdmissionRequest = z.infer<typeof admissionRequest>;

export const admissionReview = z.object({
  apiVersion: z.literal(ADMISSION_API_VERSION),
  kind: z.literal(ADMISSION_KIND),
  request: admissionRequest,
});

/** Only `add`, which replaces a member that is there: `remove` and `test` fail a write that another webhook changed. */
export interface AddOperation {
  readonly op: 'add';
  /** RFC 6901. */
  readonly path: string;
  readonly value: unknown;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface AdmissionStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: {
    readonly name: string;
    readonly group: string;
    readonly kind: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: 'JSONPatch';
  /** Base64 of a list of AddOperation. */
  readonly patch?: string;
  readonly status?: AdmissionStatus;
  /** One line each. */
  readonly warnings?: readonly string[];
}

export interface AdmissionAnswer {
  readonly apiVersion: typeof ADMISSION_API_VERSION;
  readonly kind: typeof ADMISSION_KIND;
  readonly response: AdmissionResponse;
}
