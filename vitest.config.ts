/** `npm test`: everything that needs no node. vitest.node.config.ts has the rest. */
import { defineConfig } from 'vitest/config';
import { limits, project } from './test/projects.ts';

export default defineConfig({
  test: {
    ...limits,
    projects: [
      project('pure', '{api,core,adapters,functions,webhooks,gateway,cli,bench,repository}'),
      project('apiserver', 'apiserver', { globalSetup: 'test/apiserver/setup.ts' }),
      // These start and kill whole control planes of their own.
      project('dev', 'dev', { globalSetup: 'test/dev/setup.ts' }),
    ],
  },
});
