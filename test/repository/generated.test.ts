import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findStaleFiles, makeGeneratedFiles } from '../../api/generate.ts';

describe('generated files', () => {
  it('are what the schemas say', async () => {
    expect(await findStaleFiles()).toEqual([]);
  });

  it('hold no CRD above 200 KiB, which client-side apply could not annotate', async () => {
    const crds = Object.keys(await makeGeneratedFiles()).filter((path) => path.startsWith('manifests/crd/'));
    expect(crds).toHaveLength(3);
    for (const path of crds) expect(statSync(path).size).toBeLessThan(200 * 1024);
  });
});
