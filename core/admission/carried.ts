/** What a pool that was sent in the older version carries for ours, which passed no schema on its way. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { maxReportedErrors } from '../../api/limits/messages.ts';
import { poolSpec } from '../../api/v1beta1/pool.ts';
import { at, isSameJson } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';

/** Finds nothing in a place that is as it was: an old pool may be changed elsewhere. */
export function checkCarried({ isConverted, spec, oldSpec }: ObjectRequest): readonly StatusCause[] {
  if (!isConverted) return [];
  const { error } = poolSpec.safeParse(spec ?? {});
  const issues = error?.issues ?? [];
  return issues
    .filter(({ path }) => !isSameJson(at(spec, path), at(oldSpec, path)))
    .slice(0, maxReportedErrors)
    .map(({ path, message }) => ({
      field: ['spec', ...path].join('.'),
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${message}`,
    }));
}
