/**
 * Who may say what the workers of a pool are made of and how they are held: image, Pod, isolation and egress decide over
 * the nodes they run on, which a pool's owner need not own. Without the right the defaults of the install apply.
 */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { VERBS } from '../../api/names.ts';
import { cannot } from './answers.ts';
import { isSameJson, member } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';
import type { ReferencePorts } from './reference.ts';

const customized = ['image', 'template', 'isolation', 'egress'];

/** Asks only where such a field is set anew: leaving one out goes back to the default, which needs no right. */
export async function checkCustomization(
  request: ObjectRequest,
  { reviewAccess }: Pick<ReferencePorts, 'reviewAccess'>,
): Promise<readonly StatusCause[]> {
  const { caller, namespace, name, spec, oldSpec } = request;
  const [workers, oldWorkers] = [member(spec, 'workers'), member(oldSpec, 'workers')];
  const fields = customized.filter((field) => {
    const value = member(workers, field);
    return value !== undefined && !isSameJson(value, member(oldWorkers, field));
  });
  if (fields.length === 0 || (await reviewAccess(caller, { verb: VERBS.customize, namespace, name }))) return [];
  const message = `Forbidden: ${cannot(caller, VERBS.customize, namespace)}`;
  return fields.map((field) => ({ field: `spec.workers.${field}`, reason: 'FieldValueForbidden', message }));
}
