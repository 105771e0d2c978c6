import { defineConfig } from 'vitest/config';

const project = (name: string, folders: string, setup: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${folders}/**/*.test.ts`], ...setup },
});

export default defineConfig({
  test: {
    // Real control planes share the machine: two files at once keep both cores busy without starving them.
    maxWorkers: 2,
    setupFiles: ['test/properties.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
    projects: [
      project('pure', '{api,core,adapters,functions,webhooks,cli,bench,repository}'),
      project('apiserver', 'apiserver', { globalSetup: 'test/apiserver/setup.ts' }),
      // These start and kill whole control planes of their own.
      project('dev', 'dev'),
      project('node', 'node', { fileParallelism: false, globalSetup: 'test/node/setup.ts', testTimeout: 300_000 }),
    ],
  },
});
