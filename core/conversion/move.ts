/**
 * Moves the values of a spec to their places in the other version. No I/O.
 *
 * What has no place there is the rest: it travels in an annotation and is put back where nothing else stands, so it
 * never replaces a value that the version it was read in can say.
 */
import { isJsonObject, isSameJson, type JsonObject } from '../json.ts';
import { isPlace, type AlphaPlace, type Branch, type CompiledRow, type Place, type Table } from './table.ts';

/** Without prototype, so that `__proto__` is a member like any other. */
export type Draft = Record<string, unknown>;
export const makeDraft = (): Draft => Object.create(null) as Draft;

interface Found {
  readonly place: Place;
  /** The last segment of its path. */
  readonly key: string;
  readonly value: unknown;
}

export interface Moved {
  readonly spec: Draft;
  readonly rest: Draft;
}

export function moveToBeta(spec: JsonObject, table: Table, carried: JsonObject | undefined): Moved {
  const { found, rest } = takeApart(spec, table.v1alpha1);
  const target = makeDraft();
  for (const [row, values] of groupByRow(found)) {
    const [winner, ...shadowed] = values.toSorted((left, right) => left.place.rank - right.place.rank);
    if (winner === undefined) continue;
    put(target, resolve(row.v1beta1, winner.key), winner.value);
    const stood = row.v1alpha1[winner.place.rank];
    if (shadowed.length === 0 && stood === row.v1alpha1.find((place) => canHold(place, winner.value))) continue;
    // The value is in the spec: here its place is enough, unless it is a value that the place should not hold.
    put(rest, pathOf(winner), stood !== undefined && canHold(stood, winner.value) ? null : winner.value);
    for (const one of shadowed) put(rest, pathOf(one), one.value);
  }
  fill(target, carried, table.v1beta1);
  return { spec: target, rest };
}

export function moveToAlpha(spec: JsonObject, table: Table, carried: JsonObject | undefined): Moved {
  const { found, rest } = takeApart(spec, table.v1beta1);
  const target = makeDraft();
  for (const { place, key, value } of found) {
    // Its owner put it elsewhere.
    if (value === undefined) continue;
    const places = place.row.v1alpha1;
    const [winner, ...shadowed] = places.filter((one) => stoodAt(one, key, { carried, value }));
    const { path } = winner ?? places.find((one) => canHold(one, value)) ?? places[0];
    put(target, resolve(path, key), value);
    for (const one of shadowed) put(target, resolve(one.path, key), get(carried, resolve(one.path, key)));
  }
  fill(target, carried, table.v1alpha1);
  return { spec: target, rest };
}

const canHold = ({ textOnly }: AlphaPlace, value: unknown): boolean => !textOnly || typeof value === 'string';

interface Memory {
  readonly carried: JsonObject | undefined;
  readonly value: unknown;
}

/** Whether the value came from this place, which then is where it goes back to, even when it was changed since. */
function stoodAt(place: AlphaPlace, key: string, { carried, value }: Memory): boolean {
  const mark = get(carried, resolve(place.path, key));
  return mark !== undefined && (canHold(place, value) || isSameJson(mark, value));
}

const pathOf = ({ place, key }: Found): readonly string[] => resolve(place.row.v1alpha1[place.rank]?.path ?? [], key);

const resolve = (path: readonly string[], key: string): readonly string[] =>
  path.at(-1) === '*' ? [...path.slice(0, -1), key] : path;

/** Values of one place each, but those of rows with several places, and of `*`, which may be several. */
function groupByRow(found: readonly Found[]): [CompiledRow, Found[]][] {
  const groups: [CompiledRow, Found[]][] = [];
  for (const one of found) {
    const { row } = one.place;
    const group = row.v1alpha1.length > 1 ? groups.find(([other]) => other === row) : undefined;
    if (group === undefined) groups.push([row, [one]]);
    else group[1].push(one);
  }
  return groups;
}

/** The values that have a place, and the rest with its empty sections; nothing of `source` is changed. */
export function takeApart(source: JsonObject, root: Branch): { readonly found: Found[]; readonly rest: Draft } {
  const found: Found[] = [];
  return { found, rest: takeFrom(source, root, found) ?? makeDraft() };
}

function takeFrom(source: JsonObject, branch: Branch, found: Found[]): Draft | undefined {
  const keys = Object.keys(source);
  let rest: Draft | undefined = keys.length === 0 ? makeDraft() : undefined;
  for (const key of keys) {
    const value = source[key];
    const next = branch.members.get(key) ?? branch.others;
    if (next !== undefined && isPlace(next)) {
      found.push({ place: next, key, value });
      continue;
    }
    const left = next === undefined || !isJsonObject(value) ? value : takeFrom(value, next, found);
    if (left !== undefined) (rest ??= makeDraft())[key] = left;
  }
  return rest;
}

/** Puts back what the version can say and the other one could not: never a value that has a place in both. */
function fill(target: Draft, carried: JsonObject | undefined, branch: Branch): void {
  if (carried !== undefined) fillFrom(target, takeApart(carried, branch).rest);
}

function fillFrom(target: Draft, extra: JsonObject): void {
  for (const key of Object.keys(extra)) {
    const there = target[key];
    const value = extra[key];
    if (there === undefined) target[key] = value;
    else if (isJsonObject(there) && isJsonObject(value)) fillFrom(there, value);
  }
}

export function put(target: Draft, path: readonly string[], value: unknown): void {
  let at = target;
  for (const key of path.slice(0, -1)) {
    if (!isJsonObject(at[key])) at[key] = makeDraft();
    at = at[key] as Draft;
  }
  at[path.at(-1) ?? ''] = value;
}

export function get(source: JsonObject | undefined, path: readonly string[]): unknown {
  let at: unknown = source;
  for (const key of path) at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}
