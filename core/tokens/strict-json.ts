/** JSON as a token may hold it: no member twice, no deep nesting. No I/O. */
import { maxTokenDepth } from '../../api/limits/tokens.ts';
import { parseJson } from '../json-text.ts';

/** The value; undefined for what is no JSON, names a member twice at any depth, or is nested too deeply. */
export function parseStrictJson(text: string): unknown {
  try {
    const value = parseJson(text);
    return isStrict(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Every string, and every character that begins, ends or divides. The text is known to be JSON. */
const tokens = /"(?:[^"\\]+|\\.)*"|[{}[\]:]/g;

function isStrict(text: string): boolean {
  /** Names of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > maxTokenDepth) return false;
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ':') {
      const names = open.at(-1);
      // Two spellings of one name are one name.
      const name = JSON.parse(last) as string;
      if (names?.has(name) === true) return false;
      names?.add(name);
    }
    last = token;
  }
  return true;
}
