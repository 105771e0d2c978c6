/** An image that holds Node and the libraries it needs, and nothing else: a Pod of it runs any script. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeImage } from '../../dev/node/oci-image.ts';

export const nodeImage = 'dev.local/node:1';

/** The path of a tar. */
export async function writeNodeImage(folder: string): Promise<string> {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  const files = Object.fromEntries(libraries.map((path) => [path.slice(1), path]));
  const { archive } = await makeImage({
    name: nodeImage,
    files: { node: process.execPath, ...files },
    entrypoint: ['/node'],
  });
  const tar = join(folder, 'node-image.tar');
  await writeFile(tar, archive);
  return tar;
}
