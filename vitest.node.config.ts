/** `npm run test:node`: what needs a node or builds images, with the real parts of Knative and kind. */
import { defineConfig } from 'vitest/config';
import { limits, project } from './test/projects.ts';

export default defineConfig({
  test: {
    ...limits,
    projects: [
      project('node', 'node', { fileParallelism: false, globalSetup: 'test/node/setup.ts' }),
      project('image', 'image'),
      project('knative', 'knative'),
      project('kind', 'kind'),
    ],
  },
});
