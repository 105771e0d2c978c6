/**
 * What a version can't say travels in one annotation: `{"<version>": {<its words>}}`, where the version is the one that
 * can say it. No I/O.
 *
 * Anybody may write an annotation. What can't be read is left out, and what can only ever adds what the spec of the
 * version at hand can't say.
 */
import { maxAnnotationsBytes, maxCarriedDepth } from '../../api/limits/webhooks.ts';
import { CARRIED_ANNOTATION, type Version } from '../../api/names.ts';
import { parseJson } from '../json-text.ts';
import { isJsonObject, isShallow, type JsonObject } from '../json.ts';

/** Words of `version` in the annotations of an object that is in the other one. */
export function readCarried(metadata: unknown, version: Version): JsonObject | undefined {
  if (!isJsonObject(metadata) || !isJsonObject(metadata['annotations'])) return undefined;
  const text = metadata['annotations'][CARRIED_ANNOTATION];
  if (typeof text !== 'string' || text.length > maxAnnotationsBytes) return undefined;
  const parsed = parse(text);
  const words = isJsonObject(parsed) && Object.hasOwn(parsed, version) ? parsed[version] : undefined;
  return isJsonObject(words) && isShallow(words, maxCarriedDepth) ? words : undefined;
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what is nested so deep that it could not have been stored. */
function stringify(value: JsonObject): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** The metadata with these words of `version` in the annotation; without it where there are none, or no room. */
export function writeCarried(metadata: unknown, version: Version, words: JsonObject): unknown {
  if (!isJsonObject(metadata)) return metadata;
  const { annotations: before, ...others } = metadata;
  const annotations = isJsonObject(before) ? before : {};
  const hasWords = Object.keys(words).length > 0;
  if (!hasWords && !Object.hasOwn(annotations, CARRIED_ANNOTATION)) return metadata;
  const kept = withoutCarried(annotations);
  const text = hasWords ? stringify({ [version]: words }) : undefined;
  const after = text === undefined || !fits(kept, text) ? kept : { ...kept, [CARRIED_ANNOTATION]: text };
  return Object.keys(after).length === 0 ? others : { ...others, annotations: after };
}

const withoutCarried = ({ [CARRIED_ANNOTATION]: _carried, ...others }: JsonObject): JsonObject => others;

/** Kubernetes counts the bytes of all keys and values. */
function fits(annotations: JsonObject, text: string): boolean {
  const strings = [...Object.entries(annotations).flat(), CARRIED_ANNOTATION, text].filter(isString);
  const characters = strings.reduce((sum, { length }) => sum + length, 0);
  // No character takes more than three bytes per UTF-16 unit: most objects need no exact count.
  if (characters * 3 <= maxAnnotationsBytes) return true;
  return strings.reduce((sum, string) => sum + countBytes(string), 0) <= maxAnnotationsBytes;
}

const isString = (value: unknown): value is string => typeof value === 'string';

/** Length in UTF-8. */
function countBytes(string: string): number {
  let bytes = 0;
  for (const character of string) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
