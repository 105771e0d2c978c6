/** `npm run build`: one bundle per part in `dist/`, as production runs them, and a compile cache beside them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { kubeconfigApart, leanClient, requireBanner } from './library.ts';

const root = join(import.meta.dirname, '..');

export const parts = {
  api: 'functions/api/main.ts',
  status: 'functions/status/main.ts',
  lifecycle: 'functions/lifecycle/main.ts',
  authority: 'functions/authority/main.ts',
  bridge: 'functions/bridge/main.ts',
  webhooks: 'webhooks/main.ts',
  gateway: 'gateway/main.ts',
  keys: 'functions/keys/main.ts',
} as const;

/** What a person runs; the kubeconfig reader is loaded by a command that needs it. */
export const commandLine = { bkctl: 'cli/main.ts', kubeconfig: 'adapters/kube/kubeconfig-library.ts' } as const;

/** Where in a folder of bundles the one of that module is; the module itself where there is none. */
export function bundleOf(file: string, folder: string): string {
  const [part] = Object.entries(parts).find(([, main]) => main === file) ?? [];
  return part === undefined ? file : join(folder, `${part}.mjs`);
}

/** The Node to run, or an emulator with it. */
type Program = readonly [string, ...string[]];

/** Writes `<folder>/<name>.mjs` for each program. @returns what went into each. */
export async function bundle(folder: string, programs: Readonly<Record<string, string>> = parts): Promise<Metafile> {
  await rm(folder, { recursive: true, force: true });
  const entryPoints = Object.entries(programs).map(([out, file]) => ({ in: join(root, file), out }));
  const { metafile } = await build({
    entryPoints,
    absWorkingDir: root,
    outdir: folder,
    metafile: true,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // The modules of a package, where it has them beside CommonJS: what nobody imports is then left out.
    mainFields: ['module', 'main'],
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minifySyntax: true,
    legalComments: 'linked',
    conditions: ['bundle'],
    plugins: [leanClient, kubeconfigApart],
    banner: requireBanner,
    // A bundle is a program even where another one imports it, as that of the container does.
    define: { 'import.meta.main': 'true' },
    logLevel: 'warning',
  });
  return metafile;
}

/**
 * Writes `<folder>/compile-cache`: what V8 made of the bundles, so that a start needs not make it again. Used by
 * `NODE_COMPILE_CACHE=<folder>/compile-cache NODE_COMPILE_CACHE_PORTABLE=1`, with the same Node, wherever the folder lies.
 * Each bundle is run without an environment: it evaluates all its modules, and then ends for want of one.
 */
export async function fillCompileCache(
  folder: string,
  [node, ...options]: Program = [process.execPath],
): Promise<void> {
  const env = { NODE_COMPILE_CACHE: join(folder, 'compile-cache'), NODE_COMPILE_CACHE_PORTABLE: '1' };
  for (const part of Object.keys(parts)) {
    // The seed makes the same cache of the same bundle.
    const args = [...options, '--random-seed=1', join(folder, `${part}.mjs`)];
    const child = spawn(node, args, { env, stdio: 'ignore' });
    await once(child, 'exit');
  }
}

if (import.meta.main) {
  await bundle(join(root, 'dist'), { ...parts, ...commandLine });
  await fillCompileCache(join(root, 'dist'));
}
