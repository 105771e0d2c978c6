/** Resource versions as numbers. No I/O. */

/**
 * Of one storage a larger one is later (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions);
 * all custom resources of a cluster lie in one. Undefined for what is none, or too large for any etcd.
 */
export function parseResourceVersion(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^[1-9]\d{0,15}$/.test(value)) return undefined;
  const version = Number(value);
  return Number.isSafeInteger(version) ? version : undefined;
}
