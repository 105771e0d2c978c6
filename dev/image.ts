/** `npm run image`: the container image of all parts as an OCI archive, its bill of materials beside it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureLayers, openArchive } from './image/archive.ts';
import { buildImage } from './image/build.ts';
import { nativePlatform, parsePlatforms } from './image/platforms.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      platform: { type: 'string', default: nativePlatform },
      emulate: { type: 'boolean', default: false },
      base: { type: 'string' },
      name: { type: 'string' },
      output: { type: 'string', default: join(import.meta.dirname, '../dist/image.tar') },
    },
  });
  const { platform, emulate: isEmulated, base, name } = values;
  const output = resolve(values.output);
  const epochSeconds = parseEpoch(process.env['SOURCE_DATE_EPOCH'] ?? '0');
  const digest = await buildImage({
    platforms: parsePlatforms(platform),
    output,
    base,
    name,
    isEmulated,
    epochSeconds,
  });
  console.log(`${output}\n${digest}`);
  await printSizes(output);
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function parseEpoch(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new Error(`SOURCE_DATE_EPOCH: expected seconds since 1970, got ${text}`);
  return Number(text);
}

async function printSizes(archive: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'image-'));
  try {
    for (const image of await openArchive(archive, folder)) {
      const [fetched, kept] = await measureLayers(folder, image);
      console.log(`${image.platform}: ${inMegabytes(fetched)} to fetch, ${inMegabytes(kept)} unpacked`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
