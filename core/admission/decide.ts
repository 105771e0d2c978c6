/** Which decision a review is for. No I/O but through the ports. */
import type { AdmissionAnswer } from '../../api/http/admission-review.ts';
import { KINDS } from '../../api/names.ts';
import { allowed, invalid } from './answers.ts';
import { defaultWorker } from './default-worker.ts';
import type { ObjectRequest } from './object-request.ts';
import type { ReferencePorts } from './reference.ts';
import { checkSize } from './size.ts';
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
