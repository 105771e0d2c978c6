/** BuildKit's image, for development and tests: buildkitd, buildctl and runc as they are built here, and nothing else. */
import { writeFile } from 'node:fs/promises';
import { find } from '../control-plane/find.ts';
import { buildkit, runc } from '../control-plane/table.ts';
import { makeImage } from '../node/oci-image.ts';

/** What the node calls it. */
export const buildkitRepository = 'docker.io/moby/buildkit';

/** Writes an OCI archive. @returns the image's name, with its digest. */
export async function writeBuildkitImage(tar: string, report: (line: string) => unknown): Promise<string> {
  const { buildkitd, buildctl } = await find(buildkit, { report });
  const binaries = { buildkitd, buildctl, ...(await find(runc, { report })) };
  const { archive, digest } = await makeImage({
    name: `${buildkitRepository}:${buildkit.release.replace('buildkit-', '')}`,
    files: Object.fromEntries(Object.entries(binaries).map(([name, file]) => [`usr/bin/${name}`, file])),
    entrypoint: ['/usr/bin/buildkitd'],
    environment: { PATH: '/usr/bin' },
  });
  await writeFile(tar, archive);
  return `${buildkitRepository}@${digest}`;
}
