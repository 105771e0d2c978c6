/**
 * Zod schema -> structural schema of a CustomResourceDefinition.
 *
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import * as z from 'zod';
import { maxQuantityLength } from './limits/fields.ts';

export type JsonSchema = { [key: string]: unknown };

/** Words a structural schema takes; what zod emits beside them is dropped or refused below. */
const kept = new Set([
  'type',
  'description',
  'format',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'default',
  'nullable',
]);
const dropped = new Set(['$schema', 'readOnly', 'contentEncoding', 'expected', 'example', 'cel', 'isTime']);

/** @throws {TypeError} for what a structural schema cannot say, with the path of the place. */
export function makeStructuralSchema(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', cycles: 'throw' });
  return structural(json, '');
}

function structural(node: JsonSchema, path: string): JsonSchema {
  if (node['x-kubernetes-int-or-string'] === true) {
    return {
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      'x-kubernetes-int-or-string': true,
      // A larger integer would lose digits in JavaScript.
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      maxLength: maxQuantityLength,
      'x-kubernetes-validations': node['x-kubernetes-validations'],
      ...(node['description'] === undefined ? {} : { description: node['description'] }),
    };
  }
  const result: JsonSchema = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') addProperties(result, value as Record<string, JsonSchema>, path);
    else if (key === 'items') result[key] = structural(value as JsonSchema, `${path}[]`);
    else if (key === 'additionalProperties') addAdditionalProperties(result, value, path);
    else if (kept.has(key) || key.startsWith('x-kubernetes-')) result[key] = value;
    else if (!dropped.has(key)) throw new TypeError(`${path || 'root'}: a structural schema has no "${key}"`);
  }
  if (result['type'] === 'integer') result['format'] ??= 'int32';
  // An atomic list is replaced whole: the only safe merge for a list without keys.
  if (result['type'] === 'array') result['x-kubernetes-list-type'] ??= 'atomic';
  if (result['additionalProperties'] !== undefined) delete result['required'];
  if (typeof result['pattern'] === 'string') explainPattern(result, node, path);
  return result;
}

/** A rule in CEL says what it expects, where a bare pattern shows itself to the person. */
function explainPattern(result: JsonSchema, { expected, cel }: JsonSchema, path: string): void {
  const { pattern } = result;
  if (typeof pattern !== 'string') return;
  if (/\(\?[=!<]/.test(pattern)) throw new TypeError(`${path}: RE2 has no lookaround`);
  if (typeof expected !== 'string') throw new TypeError(`${path}: a pattern needs .meta({ expected })`);
  delete result['pattern'];
  const rule = { rule: cel ?? `self.matches(r'${pattern}')`, message: `expected ${expected}` };
  const others = (result['x-kubernetes-validations'] ?? []) as readonly object[];
  result['x-kubernetes-validations'] = [rule, ...others];
}

/** None rather than an empty map, which the apiserver drops: what is stored must be what is installed. */
function addProperties(result: JsonSchema, properties: Record<string, JsonSchema>, path: string): void {
  const entries = Object.entries(properties).map(([name, node]) => [name, structural(node, `${path}.${name}`)]);
  if (entries.length > 0) result['properties'] = Object.fromEntries(entries);
}

function addAdditionalProperties(result: JsonSchema, value: unknown, path: string): void {
  if (value === false) return;
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    throw new TypeError(`${path}: values of a map need a schema`);
  }
  result['additionalProperties'] = structural(value as JsonSchema, `${path}{}`);
}
