/**
 * Moves every leaf of a spec to its path in the other version. No I/O.
 *
 * An empty section is a leaf as well. It has no place among the sections of the other version, which are divided
 * otherwise, but under the name of its own: there it says nothing where the section has leaves, which are what it holds.
 */
import type { Version } from '../../api/names.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { findNode, isLeaf, otherVersion, resolve, type Branch, type Leaf, type Path, type Table } from './table.ts';

/** Without prototype, so that `__proto__` is a member like any other. */
type Draft = Record<string, unknown>;
const makeDraft = (): Draft => Object.create(null) as Draft;

export function moveSpec(spec: JsonObject, table: Table, from: Version): JsonObject {
  const to = otherVersion(from);
  const target = makeDraft();
  const { [to]: guests, ...own } = spec;
  if (hasMembers(guests))
    eachLeaf({ section: guests, branch: table[to] }, (at) => {
      putGuest(target, at, from);
    });
  else if (guests !== undefined) put(target, [from, to], guests);
  eachLeaf({ section: own, branch: table[from] }, ({ path, leaf, value }) => {
    put(target, leaf === undefined ? [from, ...path] : resolve(leaf.to, path.at(-1) ?? ''), value);
  });
  return target;
}

interface Found {
  readonly path: Path;
  /** Undefined where no mapping names it. */
  readonly leaf: Leaf | undefined;
  readonly value: unknown;
}

/** What the other version alone can say. What has a place of its own here is not for that section to say. */
function putGuest(target: Draft, { path, leaf, value }: Found, from: Version): void {
  if (leaf === undefined && !(path[0] === from && hasMembers(value))) put(target, path, value);
}

interface Section {
  readonly section: JsonObject;
  readonly branch: Branch;
}

/** Every value that moves whole: leaves, empty sections, and what the table doesn't know. */
function eachLeaf({ section, branch }: Section, visit: (found: Found) => void, above: Path = []): void {
  for (const key of Object.keys(section)) {
    const value = section[key];
    const node = findNode(branch, key);
    const path = [...above, key];
    if (node !== undefined && !isLeaf(node) && hasMembers(value))
      eachLeaf({ section: value, branch: node }, visit, path);
    else visit({ path, leaf: isLeaf(node) ? node : undefined, value });
  }
}

const hasMembers = (value: unknown): value is JsonObject => isJsonObject(value) && Object.keys(value).length > 0;

/** An empty section is made anew, since leaves may be put into it. */
function put(target: Draft, path: Path, value: unknown): void {
  let at = target;
  for (const key of path.slice(0, -1)) {
    if (!isJsonObject(at[key])) at[key] = makeDraft();
    at = at[key] as Draft;
  }
  at[path.at(-1) ?? ''] = isJsonObject(value) && !hasMembers(value) ? makeDraft() : value;
}
