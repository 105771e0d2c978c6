/** Knative's own manifests, out of the Go modules that its binaries are built from. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);

export interface ManifestSource {
  /** The folder below `dev/control-plane/go/` whose go.mod selects the version of the module. */
  readonly goModule: string;
  /** Module path, e.g. `knative.dev/serving`. */
  readonly path: string;
  /** Files, and folders with all in them, below the module. */
  readonly files: readonly string[];
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [section: string]: unknown;
}

/** In the order of the files' names, which is the order in which they are meant to be applied. */
export async function readManifests({ goModule, path, files }: ManifestSource): Promise<Manifest[]> {
  const folder = await findModule(goModule, path);
  const found = (await Promise.all(files.map((file) => listYaml(join(folder, file))))).flat();
  const texts = await Promise.all(found.map((file) => readFile(file, 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** Downloads the module where it is not there. @throws {Error} without Go, or when the module is out of reach. */
async function findModule(goModule: string, path: string): Promise<string> {
  const cwd = join(import.meta.dirname, '../control-plane/go', goModule);
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const { stdout } = await run('go', ['mod', 'download', '-json', path], { cwd, env });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

async function listYaml(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true });
  return entries
    .filter((entry) => entry.endsWith('.yaml'))
    .sort()
    .map((entry) => join(path, entry));
}
