/** ConversionReview, apiextensions.k8s.io/v1 (https://pkg.go.dev/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1). */
import * as z from 'zod';
import { maxObjectNameLength } from '../limits/fields.ts';

const CONVERSION_API_VERSION = 'apiextensions.k8s.io/v1';
const CONVERSION_KIND = 'ConversionReview';

/** Comes back in answers and log lines. */
const word = z.string().max(maxObjectNameLength);

const conversionRequest = z.object({
  uid: word.min(1),
  desiredAPIVersion: word,
  objects: z.array(z.unknown()),
});
export type ConversionRequest = z.infer<typeof conversionRequest>;

export const conversionReview = z.object({
  apiVersion: z.literal(CONVERSION_API_VERSION),
  kind: z.literal(CONVERSION_KIND),
  request: conversionRequest,
});

export interface ConversionResponse {
  readonly uid: string;
  /** As many as were sent, in the same order; none where the result is a failure. */
  readonly convertedObjects: readonly unknown[];
  readonly result: { readonly status: 'Success' } | { readonly status: 'Failure'; readonly message: string };
}

export const makeConversionAnswer = (response: ConversionResponse) => ({
  apiVersion: CONVERSION_API_VERSION,
  kind: CONVERSION_KIND,
  response,
});
