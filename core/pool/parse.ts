/** The spec of a pool that is written. No I/O. */
import { poolSpec, type PoolSpec } from '../../api/v1beta1/pool.ts';
import { at, isJsonObject, isSameJson, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';

export type FieldPath = readonly PropertyKey[];

export interface SpecIssue {
  readonly path: FieldPath;
  readonly message: string;
}

/**
 * The spec as its schema reads it, or what is wrong with it.
 *
 * A section that breaks the schema and stands unchanged in the old spec is left out: an old pool may be changed
 * elsewhere. Nothing that changed is ever left out.
 */
export function parseSpec(spec: JsonObject, oldSpec: JsonObject | undefined): Result<PoolSpec, readonly SpecIssue[]> {
  let rest: JsonObject = spec;
  for (;;) {
    const { success, data, error } = poolSpec.safeParse(rest);
    if (success) return ok(data);
    const places = error.issues.map((issue) => ({ issue, place: findPlace(rest, issue.path) }));
    const changed = places.filter(({ place }) => !isSameJson(at(spec, place), at(oldSpec, place)));
    const [first] = places;
    if (changed.length > 0 || first === undefined || first.place.length === 0) {
      return err((changed.length > 0 ? changed : places).map(({ issue }) => issue));
    }
    rest = without(rest, first.place);
  }
}

/** Where the issue can be left out: lists are judged whole, and what is missing is missing of its section. */
function findPlace(spec: JsonObject, path: FieldPath): FieldPath {
  const list = path.findIndex((key) => typeof key === 'number');
  const place = list < 0 ? path : path.slice(0, list);
  return at(spec, place) === undefined ? place.slice(0, -1) : place;
}

function without(value: JsonObject, [first, ...below]: FieldPath): JsonObject {
  const key = String(first);
  const { [key]: member, ...others } = value;
  return below.length === 0 || !isJsonObject(member) ? others : { ...others, [key]: without(member, below) };
}

/** `spec.access.oidc.inline[0].issuer` */
export const formatField = (path: FieldPath): string =>
  path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`)).join('');
