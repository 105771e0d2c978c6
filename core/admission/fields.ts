/** Names of fields in answers: findings are made on v1beta1, and said of the version that was sent. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { OLD_VERSION, type Version } from '../../api/names.ts';
import { poolFieldMappings } from '../../api/field-mapping.ts';

/** Field mappings by their path in v1beta1, the longest first. */
const mappings = poolFieldMappings
  .map(({ v1beta1, v1alpha1 }) => [v1beta1.replace(/\.\*$/, ''), v1alpha1.replace(/\.\*$/, '')] as const)
  .toSorted(([left], [right]) => right.length - left.length);

/** `spec.workers.config` of v1beta1 is `spec.buildkitConfig` of v1alpha1. */
export function nameField(field: string, version: Version): string {
  if (version !== OLD_VERSION) return field;
  const old = `spec.${OLD_VERSION}.`;
  if (field.startsWith(old)) return `spec.${field.slice(old.length)}`;
  const mapping = mappings.find(([path]) => isAt(field, `spec.${path}`));
  return mapping === undefined ? field : `spec.${mapping[1]}${field.slice('spec.'.length + mapping[0].length)}`;
}

const isAt = (field: string, path: string): boolean =>
  field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);

export const nameFields = (causes: readonly StatusCause[], version: Version): readonly StatusCause[] =>
  causes.map((cause) => ({ ...cause, field: nameField(cause.field, version) }));

/** Warnings begin with the field that they are about. */
export const nameWarnings = (warnings: readonly string[], version: Version): readonly string[] =>
  warnings.map((warning) => warning.replace(/^spec\.[^\s:]+/, (field) => nameField(field, version)));
