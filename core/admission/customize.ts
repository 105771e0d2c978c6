/**
 * Who may say what the Pods of a pool are made of, how they are held and how their load balancers are made: image, Pod,
 * isolation, egress and annotations decide over nodes and networks, which a pool's owner need not own. Without the right
 * the defaults of the install apply.
 */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { VERBS } from '../../api/names.ts';
import { cannot } from './answers.ts';
import { atPath, isSameJson } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';
import type { ReferencePorts } from './reference.ts';

/** Left out they give no more than the default does. */
const loosening = ['workers.image', 'workers.isolation', 'workers.egress', 'gateway.image'];

/**
 * Left out they may give more: a template may name a runtime class that holds a Pod, an annotation may keep a load
 * balancer inside. Empty is as good as absent.
 */
const hardening = [
  'workers.template',
  'gateway.service.annotations',
  'gateway.exposure.annotations',
  'gateway.exposure.gatewayAPI.annotations',
  'gateway.exposure.ingress.annotations',
];

/** Asks only where such a field changes. */
export async function checkCustomization(
  request: ObjectRequest,
  { reviewAccess }: Pick<ReferencePorts, 'reviewAccess'>,
): Promise<readonly StatusCause[]> {
  const { caller, namespace, name } = request;
  const fields = listCustomized(request);
  if (fields.length === 0 || (await reviewAccess(caller, { verb: VERBS.customize, namespace, name }))) return [];
  const message =
    `Forbidden: ${cannot(caller, VERBS.customize, namespace)}: leave the field as it was, ` +
    `or ask the administrators of the cluster for the verb "${VERBS.customize}"`;
  return fields.map((field) => ({ field: `spec.${field}`, reason: 'FieldValueForbidden', message }));
}

function listCustomized({ spec, oldSpec }: ObjectRequest): readonly string[] {
  const read = (path: string) => [atPath(spec, path), atPath(oldSpec, path)] as const;
  return [
    ...loosening.filter((path) => {
      const [value, old] = read(path);
      return value !== undefined && !isSameJson(value, old);
    }),
    ...hardening.filter((path) => {
      const [value = {}, old = {}] = read(path);
      return !isSameJson(value, old);
    }),
  ];
}
