/** The tests that judge a mutated part: those that need neither a control plane, nor Go, nor the files of the repository. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{api,core,adapters,functions,webhooks,cli}/**/*.test.ts'],
    exclude: ['test/adapters/x509/{cert-manager,verifiers}.test.ts'],
    setupFiles: ['test/properties.ts'],
    testTimeout: 60_000,
  },
});
