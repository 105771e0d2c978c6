/** An image of one layer that is made of files of this machine: an OCI layout in a tar, as `ctr images import` reads. */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface ImageOptions {
  readonly name: string;
  /** Where a file of this machine stands in the image; each may be run. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  /** Number of the user that it runs as where a Pod says no other; root when absent. */
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Image {
  readonly archive: Buffer;
  /** Of its manifest, by which a Pod may name it. */
  readonly digest: string;
}

const blockBytes = 512;
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** The same files make the same image. */
export async function makeImage({ name, files, entrypoint, user, environment }: ImageOptions): Promise<Image> {
  const contents = Object.entries(files).map(async ([path, file]) => entry(path, await readFile(file), 0o755));
  const layer = makeTar(await Promise.all(contents));
  const config = asJson({
    architecture,
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      ...(user === undefined ? {} : { User: user }),
      ...(environment === undefined ? {} : { Env: Object.entries(environment).map((pair) => pair.join('=')) }),
    },
    rootfs: { type: 'layers', diff_ids: [digest(layer)] },
  });
  const manifest = asJson({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(types.config, config),
    layers: [describe(types.layer, layer)],
  });
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
  const index = asJson({ schemaVersion: 2, manifests: [{ ...describe(types.manifest, manifest), annotations }] });
  const blobs = [layer, config, manifest].map((blob) => entry(`blobs/sha256/${digest(blob).slice(7)}`, blob));
  const archive = makeTar([
    entry('oci-layout', asJson({ imageLayoutVersion: '1.0.0' })),
    entry('index.json', index),
    ...blobs,
  ]);
  return { archive, digest: digest(manifest) };
}

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};

const asJson = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const digest = (content: Buffer): string => `sha256:${hash('sha256', content)}`;
const describe = (mediaType: string, content: Buffer) => ({
  mediaType,
  digest: digest(content),
  size: content.length,
});

/** The end of an archive is two blocks of zeros. */
const makeTar = (entries: readonly Buffer[]): Buffer => Buffer.concat([...entries, Buffer.alloc(2 * blockBytes)]);

/** A file of root, as POSIX.1-1988 (ustar) writes it, filled up to whole blocks. */
function entry(path: string, content: Buffer, mode = 0o644): Buffer {
  if (path.length > 100) throw new Error(`${path}: expected at most 100 characters`);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  const header = Buffer.alloc(blockBytes);
  header.write(path, 0);
  header.write(octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(0, 12), 100);
  // The checksum counts its own field as blanks.
  header.write(`${' '.repeat(8)}0`, 148);
  header.write('ustar\x0000', 257);
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  );
  return Buffer.concat([header, content, Buffer.alloc(-content.length & (blockBytes - 1))]);
}
