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
    const sections = error.issues.map((issue) => ({ issue, section: findSection(rest, issue.path) }));
    const changed = sections.filter(({ section }) => !isSameJson(at(spec, section), at(oldSpec, section)));
    const [first] = sections;
    if (changed.length > 0 || first === undefined || first.section.length === 0) {
      return err((changed.length > 0 ? changed : sections).map(({ issue }) => issue));
    }
    rest = without(rest, first.section);
  }
}

/** Where the issue can be left out: lists are judged whole, and what is missing is missing of its section. */
function findSection(spec: JsonObject, path: FieldPath): FieldPath {
  const list = path.findIndex((key) => typeof key === 'number');
  const section = list < 0 ? path : path.slice(0, list);
  return at(spec, section) === undefined ? section.slice(0, -1) : section;
}

function without(value: JsonObject, [first, ...below]: FieldPath): JsonObject {
  const key = String(first);
  const { [key]: member, ...others } = value;
  return below.length === 0 || !isJsonObject(member) ? others : { ...others, [key]: without(member, below) };
}

/** `spec.access.oidc.inline[0].issuer` */
export const formatField = (path: FieldPath): string =>
  path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`)).join('');
