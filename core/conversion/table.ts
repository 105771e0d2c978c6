/** Which place in one version is which place in the other. No I/O. */
import type { Version } from '../../api/names.ts';
import type { Row } from '../../api/places.ts';

type Path = readonly string[];

/** One place of one version. */
export interface Place {
  readonly row: CompiledRow;
  /** Position in the row's list of v1alpha1 paths; 0 in v1beta1. */
  readonly rank: number;
}

export interface CompiledRow {
  readonly v1beta1: Path;
  readonly v1alpha1: readonly [AlphaPlace, ...AlphaPlace[]];
}

export interface AlphaPlace {
  readonly path: Path;
  readonly textOnly: boolean;
}

/** The places of one version as a tree, whose leaves are values that move whole. */
export interface Branch {
  readonly members: Map<string, Branch | Place>;
  others?: Place;
}

export type Table = Readonly<Record<Version, Branch>>;

export const isPlace = (node: Branch | Place): node is Place => 'row' in node;

/** @throws {TypeError} when one row's value would hold another row's. */
export function compileTable(rows: readonly Row[]): Table {
  const v1beta1: Branch = { members: new Map() };
  const v1alpha1: Branch = { members: new Map() };
  for (const row of rows) {
    const [first, ...others] = row.v1alpha1;
    const place = (path: string): AlphaPlace => ({ path: path.split('.'), textOnly: path === row.textOnly });
    const compiled = { v1beta1: row.v1beta1.split('.'), v1alpha1: [place(first), ...others.map(place)] as const };
    addPlace(v1beta1, compiled.v1beta1, { row: compiled, rank: 0 });
    for (const [rank, { path }] of compiled.v1alpha1.entries()) addPlace(v1alpha1, path, { row: compiled, rank });
  }
  return { v1alpha1, v1beta1 };
}

function addPlace(root: Branch, path: Path, place: Place): void {
  const last = path.at(-1) ?? '';
  let branch = root;
  for (const key of path.slice(0, -1)) {
    const next = branch.members.get(key) ?? { members: new Map<string, Branch | Place>() };
    if (isPlace(next)) throw new TypeError(`${path.join('.')}: expected no row above it`);
    branch.members.set(key, next);
    branch = next;
  }
  if (branch.members.has(last)) throw new TypeError(`${path.join('.')}: expected one row`);
  if (last === '*') branch.others = place;
  else branch.members.set(last, place);
}
