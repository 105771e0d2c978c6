/** Container images of one static program each, without a builder: an OCI image layout as a tar, which `ctr` imports. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

export interface ProgramImage {
  /** With a tag, as a Pod names it. */
  readonly name: string;
  /** Path of the static program that it starts. */
  readonly program: string;
}

/** Not root, which a Pod that must not run as root asks the image for. */
const user = '65532:65532';
const blockBytes = 512;
const mediaType = (name: string) => `application/vnd.oci.image.${name}`;

/** Writes one tar of all images. */
export async function writeImages(file: string, images: readonly ProgramImage[]): Promise<void> {
  const layout: Entry[] = [{ path: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) }];
  const manifests = [];
  for (const { name, program } of images) {
    const { blobs, manifest } = makeImage(await readFile(program));
    layout.push(...blobs);
    manifests.push({ ...manifest, annotations: { 'io.containerd.image.name': name } });
  }
  const index = { schemaVersion: 2, mediaType: mediaType('index.v1+json'), manifests };
  await writeFile(file, makeTar([...layout, { path: 'index.json', mode: 0o644, content: json(index) }]));
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The program is `/program`, the only file of the only layer. */
function makeImage(program: Buffer): { readonly blobs: readonly Entry[]; readonly manifest: Descriptor } {
  const layer = makeTar([{ path: 'program', mode: 0o755, content: program }]);
  const config = json({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { User: user, Entrypoint: ['/program'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaType('manifest.v1+json'),
    config: describe('config.v1+json', config),
    layers: [describe('layer.v1.tar', layer)],
  });
  return {
    blobs: [layer, config, manifest].map((content) => ({
      path: `blobs/${digestOf(content).replace(':', '/')}`,
      mode: 0o644,
      content,
    })),
    manifest: describe('manifest.v1+json', manifest),
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const describe = (type: string, content: Buffer): Descriptor => ({
  mediaType: mediaType(type),
  digest: digestOf(content),
  size: content.length,
});

interface Entry {
  /** At most 100 bytes, and no folder. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** POSIX.1-1988 (ustar), every file root's and of the epoch: the same content gives the same bytes. */
function makeTar(entries: readonly Entry[]): Buffer {
  const end = Buffer.alloc(2 * blockBytes);
  return Buffer.concat([...entries.flatMap((entry) => [makeHeader(entry), entry.content, makePadding(entry)]), end]);
}

const makePadding = ({ content }: Entry): Buffer =>
  Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);

function makeHeader({ path, mode, content }: Entry): Buffer {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(path, 0);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(content.length, 11), 124);
  header.write(octal(0, 11), 136);
  // The checksum counts its own field as spaces; the type of a file follows it.
  header.write(`${' '.repeat(8)}0`, 148);
  header.write('ustar\x0000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${octal(checksum, 6)} `, 148);
  return header;
}
