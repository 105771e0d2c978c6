/**
 * Takes the place of the library's serializer, whose models make up most of the package: objects are JSON as the
 * apiserver writes it, times are RFC 3339 text, and a field that the models do not know is kept.
 *
 * Bodies arrive here parsed and leave here unparsed: the transport reads and writes JSON, once.
 */
const same = (value: unknown): unknown => value;

export const ObjectSerializer = {
  serialize: same,
  deserialize: same,
  parse: same,
  stringify: same,
  normalizeMediaType: same,
  /** Patches say their own media type. */
  getPreferredMediaType: (): string => 'application/json',
};
