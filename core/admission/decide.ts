/** Which decision a review is for. No I/O but through the ports. */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { maxSpecBytes } from '../../api/limits/fields.ts';
import { KINDS } from '../../api/names.ts';
import type { JsonObject } from '../json.ts';
import { allowed, invalid } from './answers.ts';
import { defaultWorker } from './default-worker.ts';
import type { ObjectRequest } from './object-request.ts';
import type { ReferencePorts } from './reference.ts';
import { validateOidcConfig, type OidcConfigPorts } from './validate-oidc-config.ts';
import { validatePool, type PoolPorts } from './validate-pool.ts';
import { validateWorker } from './validate-worker.ts';
import { toWorkerRequest } from './worker-request.ts';

export type ValidationPorts = ReferencePorts & PoolPorts & OidcConfigPorts;

/** Workers alone are changed: what is absent in the others means its default. */
export const mutate = (request: ObjectRequest): AdmissionAnswer =>
  request.kind === KINDS.worker.kind ? defaultWorker(toWorkerRequest(request)) : allowed(request.uid);

export async function validate(request: ObjectRequest, ports: ValidationPorts): Promise<AdmissionAnswer> {
  const tooLarge = checkSize(request);
  if (tooLarge.length > 0) return invalid(request, tooLarge);
  switch (request.kind) {
    case KINDS.worker.kind:
      return await validateWorker(toWorkerRequest(request), ports);
    case KINDS.pool.kind:
      return await validatePool(request, ports);
    case KINDS.oidcConfig.kind:
      return await validateOidcConfig(request, ports);
  }
}

/** The size of a spec of any kind. A spec that was stored above the limit may stay as it is, or shrink. */
export function checkSize({ spec, oldSpec }: Pick<ObjectRequest, 'spec' | 'oldSpec'>): readonly StatusCause[] {
  const bytes = countBytes(spec);
  if (bytes <= Math.max(maxSpecBytes, countBytes(oldSpec))) return [];
  const message = `Too long: expected at most ${maxSpecBytes} bytes of JSON, got ${bytes}`;
  return [{ field: 'spec', reason: 'FieldValueTooLong', message }];
}

const countBytes = (spec: JsonObject | undefined): number =>
  spec === undefined ? 0 : new TextEncoder().encode(JSON.stringify(spec)).length;
