/** Reading an OCI archive: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
}
export interface ImageManifest {
  readonly platform: string;
  readonly digest: string;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
}

const blob = (folder: string, { digest }: Pick<Descriptor, 'digest'>): string =>
  join(folder, 'blobs', digest.replace(':', '/'));

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

/** Unpacks the archive into the folder. @returns the image of each platform in it. */
export async function openArchive(archive: string, folder: string): Promise<ImageManifest[]> {
  await promisify(execFile)('tar', ['-xf', archive, '-C', folder]);
  return readManifests(folder, await readJson(join(folder, 'index.json')));
}

type Index = { readonly manifests: readonly Descriptor[] };

async function readManifests(folder: string, { manifests }: Index): Promise<ImageManifest[]> {
  const found = manifests.map(async (descriptor) => {
    const file = blob(folder, descriptor);
    return descriptor.mediaType.includes('index')
      ? readManifests(folder, await readJson(file))
      : [await readManifest(folder, descriptor)];
  });
  return (await Promise.all(found)).flat();
}

async function readManifest(folder: string, descriptor: Descriptor): Promise<ImageManifest> {
  type Manifest = { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
  const { config: at, layers } = await readJson<Manifest>(blob(folder, descriptor));
  const config = await readJson<ImageConfig>(blob(folder, at));
  return { platform: `${config.os}/${config.architecture}`, digest: descriptor.digest, config, layers };
}

/** A layer as a tar archive. */
export async function readLayer(folder: string, layer: Descriptor): Promise<Buffer> {
  const content = await readFile(blob(folder, layer));
  if (layer.mediaType.endsWith('+zstd')) return zstdDecompressSync(content);
  return layer.mediaType.endsWith('+gzip') ? gunzipSync(content) : content;
}

/** The bytes that a node fetches, and those that it keeps unpacked. */
export async function measureLayers(folder: string, { layers }: ImageManifest): Promise<[number, number]> {
  const unpacked = await Promise.all(layers.map(async (layer) => (await readLayer(folder, layer)).length));
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  return [sum(layers.map(({ size }) => size)), sum(unpacked)];
}
