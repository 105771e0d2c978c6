/** How large a spec may be, whichever kind it is of. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { maxSpecBytes } from '../../api/limits/fields.ts';
import type { JsonObject } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';

/** What was stored above the limit may stay as it is, and shrink. */
export function checkSize({ spec, oldSpec }: Pick<ObjectRequest, 'spec' | 'oldSpec'>): readonly StatusCause[] {
  const bytes = countBytes(spec);
  if (bytes <= Math.max(maxSpecBytes, countBytes(oldSpec))) return [];
  const message = `Too long: expected at most ${maxSpecBytes} bytes of JSON, got ${bytes}`;
  return [{ field: 'spec', reason: 'FieldValueTooLong', message }];
}

const countBytes = (spec: JsonObject | undefined): number =>
  spec === undefined ? 0 : new TextEncoder().encode(JSON.stringify(spec)).length;
