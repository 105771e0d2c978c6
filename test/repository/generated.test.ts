import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findStaleFiles, makeGeneratedFiles } from '../../api/generate.ts';

describe('generated files', () => {
  it('are up to date with the schemas', async () => {
    expect(await findStaleFiles()).toEqual([]);
  });

  it('hold no CRD above 200 KiB as JSON, which client-side apply could not annotate', () => {
    const crds = Object.entries(makeGeneratedFiles()).filter(([path]) => path.startsWith('manifests/crd/'));
    expect(crds).toHaveLength(3);
    for (const [, yaml] of crds) expect(JSON.stringify(parse(yaml)).length).toBeLessThan(200 * 1024);
  });
});
