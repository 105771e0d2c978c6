/** Container images of one static program each, without a builder: an OCI image layout as a tar, which `ctr` imports. */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';

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

/** Writes one tar of all images; holds one program at a time in memory. */
export async function writeImages(file: string, images: readonly ProgramImage[]): Promise<void> {
  const tar = await open(file, 'w');
  const write = async (path: string, content: Buffer): Promise<void> => {
    await tar.writev(makeEntry({ path, mode: 0o644, content }));
  };
  try {
    await write('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
    const manifests = [];
    for (const { name, program } of images) {
      const { blobs, manifest } = makeImage(await readFile(program));
      for (const blob of blobs) await write(`blobs/${digestOf(blob).replace(':', '/')}`, blob);
      manifests.push({ ...manifest, annotations: { 'io.containerd.image.name': name } });
    }
    await write('index.json', json({ schemaVersion: 2, mediaType: mediaType('index.v1+json'), manifests }));
    await tar.write(end);
  } finally {
    await tar.close();
  }
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The program is `/program`, the only file of the only layer. */
function makeImage(program: Buffer): { readonly blobs: readonly Buffer[]; readonly manifest: Descriptor } {
  const layer = Buffer.concat([...makeEntry({ path: 'program', mode: 0o755, content: program }), end]);
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
  return { blobs: [layer, config, manifest], manifest: describe('manifest.v1+json', manifest) };
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
function makeEntry(entry: Entry): Buffer[] {
  const { length } = entry.content;
  return [makeHeader(entry), entry.content, Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes)];
}

/** Of a tar. */
const end = Buffer.alloc(2 * blockBytes);

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
