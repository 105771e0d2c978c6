import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { encoding: 'utf8' })) as [
  { files: { path: string }[] },
];
const paths = files.map(({ path }) => path);

it('npm pack holds the parts, their manifests and their documentation', () => {
  for (const path of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'cli/bkctl.mjs',
    'launch.mjs',
    'functions/api/main.ts',
    'webhooks/main.ts',
    'manifests/overlays/plain/kustomization.yaml',
    'docs/install.md',
  ]) {
    expect(paths).toContain(path);
  }
});

it('npm pack leaves out tests, benchmarks, what a build made, and every key', () => {
  expect(paths.filter((path) => /^(test|bench|dist|coverage|\.)|\.(key|pem|crt|log)$/.test(path))).toEqual([]);
});
