/** What the bundles are made of. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Metafile } from 'esbuild';
import { bundle, commandLine, parts } from '../../dev/build.ts';

let folder: string;
let outputs: Metafile['outputs'];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  ({ outputs } = await bundle(folder, { ...parts, ...commandLine }));
});
afterAll(() => rm(folder, { recursive: true }));

/** The modules of the library of which a bundle holds at least a byte. */
function clientModulesOf(name: string): string[] {
  const [, output] = Object.entries(outputs).find(([path]) => basename(path) === `${name}.mjs`) ?? [];
  return Object.entries(output?.inputs ?? {})
    .filter(([path, { bytesInOutput }]) => path.includes('@kubernetes/client-node/dist/') && bytesInOutput > 0)
    .map(([path]) => path.replace(/^.*client-node\/dist\//, ''));
}

it.each(['api', 'status', 'lifecycle', 'webhooks', 'authority', 'bkctl'])(
  '%s calls the apiserver by the API classes of @kubernetes/client-node, without its models and its fetch',
  (name) => {
    const modules = clientModulesOf(name);
    expect(modules).toContain('gen/apis/CoreV1Api.js');
    expect(modules).toContain('gen/types/ObjectParamAPI.js');
    expect(modules.filter((path) => path.startsWith('gen/models/') || path.includes('isomorphic-fetch'))).toEqual([]);
  },
);

it('bkctl reads kubeconfigs by the KubeConfig of the library, which it loads when it needs it', () => {
  expect(clientModulesOf('kubeconfig')).toContain('config.js');
  expect(clientModulesOf('bkctl')).not.toContain('config.js');
});
