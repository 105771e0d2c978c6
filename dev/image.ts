/** `npm run image`: the container image of all parts, as an OCI archive, with its bill of materials beside it. */
import { cp, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runBuild } from './image/buildkit.ts';
import { layContext } from './image/context.ts';
import { nativePlatform, parsePlatforms, platforms, type PlatformName } from './image/platforms.ts';

const root = join(import.meta.dirname, '..');
/** What the Containerfile's base is called where it is the one made here. */
const ownBase = 'own-base';

export interface ImageOptions {
  readonly platforms: readonly PlatformName[];
  /** The archive to write. */
  readonly output: string;
  /** An image with the C and C++ runtime of Debian; made from Debian's packages when absent. */
  readonly base?: string | undefined;
  /** What the archive calls the image. */
  readonly name?: string | undefined;
  /** Of every file, in seconds: the same contents have the same digest. */
  readonly epochSeconds?: number;
  readonly report?: (line: string) => unknown;
}

/** @returns the digest of the image, of its index where it is for several platforms. */
export async function buildImage(options: ImageOptions): Promise<string> {
  const { output, base, epochSeconds = 0, report = console.warn } = options;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const { name = `buildkit-controller:${version}` } = options;
  const folder = await mkdtemp(join(tmpdir(), 'image-'));
  try {
    const context = join(folder, 'context');
    const isBaseOurs = base === undefined;
    await layContext({ folder: context, version, platforms: options.platforms, isBaseOurs, epochSeconds, report });
    await mkdir(dirname(output), { recursive: true });
    const metadata = join(folder, 'metadata.json');
    await runBuild(join(folder, 'buildkit'), [
      `--local=context=${context}`,
      `--local=dockerfile=${root}`,
      '--opt=filename=Containerfile',
      `--opt=platform=${options.platforms.join(',')}`,
      `--opt=build-arg:BASE=${base ?? ownBase}`,
      `--opt=build-arg:VERSION=${version}`,
      `--opt=build-arg:SOURCE_DATE_EPOCH=${epochSeconds}`,
      ...(isBaseOurs ? options.platforms.flatMap((platform) => makeBaseArguments(platform, context)) : []),
      `--output=type=oci,name=docker.io/library/${name},dest=${output}`,
      `--metadata-file=${metadata}`,
    ]);
    for (const { architecture } of options.platforms.map((platform) => platforms[platform])) {
      await cp(join(context, architecture, 'app/app/sbom.spdx.json'), nameSbom(output, architecture));
    }
    const { 'containerimage.digest': digest } = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>;
    return digest ?? '';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const makeBaseArguments = (platform: PlatformName, context: string): string[] => {
  const local = `base-${platforms[platform].architecture}`;
  const folder = join(context, platforms[platform].architecture, 'base');
  return [`--opt=context:${ownBase}::${platform}=local:${local}`, `--local=${local}=${folder}`];
};

/** Beside the archive. */
export const nameSbom = (output: string, architecture: string): string =>
  output.replace(/(\.tar)?$/, `.${architecture}.spdx.json`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      platform: { type: 'string', default: nativePlatform },
      base: { type: 'string' },
      name: { type: 'string' },
      output: { type: 'string', default: join(root, 'dist/image.tar') },
    },
  });
  const output = resolve(values.output);
  const epochSeconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? 0);
  const options = { ...values, platforms: parsePlatforms(values.platform), output, epochSeconds };
  const digest = await buildImage(options);
  const { size } = await stat(output);
  console.log(`${output}\n${digest}\n${(size / 1e6).toFixed(1)} MB`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
