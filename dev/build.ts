/** `npm run build`: one bundle per part in `dist/`, as production runs them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

export const parts = {
  api: 'functions/api/main.ts',
  status: 'functions/status/main.ts',
  lifecycle: 'functions/lifecycle/main.ts',
  authority: 'functions/authority/main.ts',
  bridge: 'functions/bridge/main.ts',
  webhooks: 'webhooks/main.ts',
} as const;

/** Writes `<folder>/<part>.mjs` for each part. */
export async function bundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const entryPoints = Object.entries(parts).map(([out, file]) => ({ in: join(root, file), out }));
  await build({
    entryPoints,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minifySyntax: true,
    legalComments: 'linked',
    // Packages written as CommonJS call `require`, which a module lacks.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
}

if (import.meta.main) await bundle(join(root, 'dist'));
