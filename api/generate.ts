/**
 * Writes the CRDs, the reference pages and the OpenAPI document from the schemas.
 * With `--check` it writes nothing and fails when a file is not what it would write.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { makeCrds } from './crd.ts';
import { makeOpenApi } from './openapi.ts';
import { makeReferencePages } from './reference.ts';

const root = join(import.meta.dirname, '..');
const header = '# Generated from api/ by `npm run generate`; do not edit.\n';

/** Path below the root of the repository -> content. */
export function makeGeneratedFiles(): Record<string, string> {
  const crds = Object.entries(makeCrds()).map(([plural, crd]) => [
    `manifests/crd/${plural}.yaml`,
    header + stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false }),
  ]);
  return {
    ...(Object.fromEntries(crds) as Record<string, string>),
    'api/openapi.gen.json': `${JSON.stringify(makeOpenApi(), null, 2)}\n`,
    ...makeReferencePages(),
  };
}

const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

/** Paths whose content differs from what the schemas say. */
export async function findStaleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of Object.entries(makeGeneratedFiles())) {
    const found = await read(path).catch(() => undefined);
    if (found !== content) stale.push(path);
  }
  return stale;
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    const stale = await findStaleFiles();
    if (stale.length === 0) return;
    console.error(`stale: ${stale.join(', ')}; run \`npm run generate\``);
    process.exitCode = 1;
    return;
  }
  for (const [path, content] of Object.entries(makeGeneratedFiles())) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

if (import.meta.main) await main();
