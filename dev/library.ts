/**
 * @kubernetes/client-node as we use it: without its models. For bundles by `leanClient`; for what runs unbundled in
 * `.dev/library/`, which the launcher has made, since loading the package as it is costs every process a second.
 */
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const serializer = join(root, 'adapters/kube/serializer.ts');

export const leanClient: Plugin = {
  name: 'lean-client',
  setup: (builder) => {
    builder.onResolve({ filter: /^\.|^@kubernetes\/client-node\// }, ({ path, importer, resolveDir }) => {
      if (path.startsWith('@')) return { path: join(root, 'node_modules', path), sideEffects: false };
      if (!importer.includes('/@kubernetes/client-node/dist/')) return undefined;
      const isSerializer = path.endsWith('/ObjectSerializer.js');
      return { path: isSerializer ? serializer : join(resolveDir, path), sideEffects: false };
    });
  },
};

/** A bundle loads it from the file beside it, and only when a kubeconfig is read. */
export const kubeconfigApart: Plugin = {
  name: 'kubeconfig-apart',
  setup: (builder) => {
    builder.onResolve({ filter: /^#kubeconfig$/ }, () => ({ path: './kubeconfig.mjs', external: true }));
  },
};

/** Packages written as CommonJS call `require`, which a module lacks. */
export const requireBanner = {
  js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
};

if (import.meta.main) {
  await build({
    entryPoints: { library: 'adapters/kube/library.ts', kubeconfig: 'adapters/kube/kubeconfig-library.ts' },
    absWorkingDir: root,
    outdir: '.dev/library',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minifySyntax: true,
    plugins: [leanClient],
    banner: requireBanner,
    logLevel: 'warning',
  });
}
