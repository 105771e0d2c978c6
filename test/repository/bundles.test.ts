import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, parts } from '../../dev/build.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  await bundle(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a bundle alone, with an empty environment and no packages in reach. */
const runBundle = (part: string) =>
  new Promise<{ status: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [join(folder, `${part}.mjs`)], { env: {}, cwd: folder }, (error, _stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stderr });
    });
  });

describe('a production bundle', () => {
  it.each(Object.keys(parts))('%s runs alone, and names what its environment lacks', async (part) => {
    const { status, stderr } = await runBundle(part);
    expect(stderr).toMatch(/environment: expected [A-Z_, ]+ to be set/);
    expect(status).toBe(1);
  });
});
