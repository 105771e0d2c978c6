/** package-lock.json: what npm installed, and how it was published. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** `sha512-<base64>`, of the package as it is published. */
  readonly integrity: string;
}

type Entry = Partial<LockedPackage> & { readonly dev?: boolean };

/** By the folder, `node_modules/...`. @throws {Error} for one that is not there, or there for development alone. */
export async function readLock(root: string): Promise<(folder: string) => LockedPackage> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Entry>> };
  return (folder) => {
    const { version, license, integrity, dev = false } = packages[folder] ?? {};
    const name = folder.replace(/^(.*\/)?node_modules\//, '');
    if (version === undefined || license === undefined || integrity === undefined || dev) {
      throw new Error(`package-lock.json: ${folder}: expected a package of production, its licence and integrity`);
    }
    return { name, version, license, integrity };
  };
}
