/** TOML (https://toml.io/en/v1.0.0), as smol-toml reads it. */
import { parse, stringify, TomlError } from 'smol-toml';
import { maxTomlDepth } from '../api/limits/fields.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { JsonObject } from '../core/json.ts';

/** The document; or where it stops being one. */
export function parseToml(text: string): Result<JsonObject, { readonly line: number; readonly column: number }> {
  try {
    return ok(
      parse(text, { maxDepth: maxTomlDepth, integersAsBigInt: 'asNeeded', unsafeKeyBehaviour: 'throw' }) as JsonObject,
    );
  } catch (error) {
    if (error instanceof TomlError) return err({ line: error.line, column: error.column });
    throw error;
  }
}

export const formatToml = (document: JsonObject): string => stringify(document);
