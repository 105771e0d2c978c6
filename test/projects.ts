/** What the two Vitest configurations share. */

/** Time limits guard against hanging alone: a control plane takes minutes to start on a machine that does other work. */
export const limits = {
  // Real control planes share the machine: two files at once keep both cores busy without starving them.
  maxWorkers: 2,
  setupFiles: ['test/properties.ts'],
  // A bundle of a library, which is loaded as it is.
  server: { deps: { external: [/\/\.dev\/library\//] } },
  testTimeout: 300_000,
  hookTimeout: 900_000,
  expect: { poll: { timeout: 120_000, interval: 100 } },
};

/** The tests of one folder. */
export const project = (name: string, folder: string, options: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${folder}/**/*.test.ts`], ...options },
});
