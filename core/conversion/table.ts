/** Which leaf of one version is which leaf of the other. No I/O. */
import { OLD_VERSION, STORAGE_VERSION, type Version } from '../../api/names.ts';
import type { FieldMapping } from '../../api/field-mapping.ts';

export type Path = readonly string[];

/** Its value moves whole. */
export interface Leaf {
  /** In the other version; `*` at the end stands for the key. */
  readonly to: Path;
}

/** A section: its members move one by one. */
export interface Branch {
  readonly members: Map<string, Branch | Leaf>;
  others?: Leaf;
}

export type Table = Readonly<Record<Version, Branch>>;

export const otherVersion = (version: Version): Version => (version === OLD_VERSION ? STORAGE_VERSION : OLD_VERSION);

export const isLeaf = (node: Branch | Leaf | undefined): node is Leaf => node !== undefined && 'to' in node;

/** The leaf or section that a member is. */
export const findNode = (branch: Branch, key: string): Branch | Leaf | undefined =>
  branch.members.get(key) ?? branch.others;

export const resolve = (to: Path, key: string): Path => (to.at(-1) === '*' ? [...to.slice(0, -1), key] : to);

/** @throws {TypeError} when two mappings name one leaf, or the leaf of one would hold the leaf of another. */
export function compileTable(mappings: readonly FieldMapping[]): Table {
  const v1beta1: Branch = { members: new Map() };
  const v1alpha1: Branch = { members: new Map() };
  for (const mapping of mappings) {
    const [beta, alpha] = [mapping.v1beta1.split('.'), mapping.v1alpha1.split('.')];
    addLeaf(v1beta1, beta, { to: alpha });
    addLeaf(v1alpha1, alpha, { to: beta });
  }
  return { v1alpha1, v1beta1 };
}

function addLeaf(root: Branch, path: Path, leaf: Leaf): void {
  const last = path.at(-1) ?? '';
  let branch = root;
  for (const key of path.slice(0, -1)) {
    const next = branch.members.get(key) ?? { members: new Map<string, Branch | Leaf>() };
    if (isLeaf(next)) throw new TypeError(`${path.join('.')}: expected no mapping above it`);
    branch.members.set(key, next);
    branch = next;
  }
  if (branch.members.has(last)) throw new TypeError(`${path.join('.')}: expected one mapping`);
  if (last === '*') branch.others = leaf;
  else branch.members.set(last, leaf);
}
