/** A registry on loopback that hands out one opened archive: https://github.com/opencontainers/distribution-spec */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface Registry {
  /** What to write before `/<any repository>@<digest>`. */
  readonly host: string;
  readonly close: () => void;
}

/** @param folder where the archive was opened. */
export async function serveArchive(folder: string): Promise<Registry> {
  const server = createServer(({ url = '' }, response) => {
    const [, kind = '', hex = ''] = /^\/v2\/[a-z]+\/(manifests|blobs)\/sha256:([0-9a-f]{64})$/.exec(url) ?? [];
    if (hex === '') return response.writeHead(url === '/v2/' ? 200 : 404).end();
    const content = readFileSync(join(folder, 'blobs/sha256', hex));
    const isManifest = kind === 'manifests';
    const { mediaType = '' } = isManifest ? (JSON.parse(content.toString()) as { mediaType?: string }) : {};
    const type = isManifest ? mediaType : 'application/octet-stream';
    const headers = {
      'content-type': type,
      'content-length': content.length,
      'docker-content-digest': `sha256:${hex}`,
    };
    // Node leaves the content out of the answer to HEAD.
    return response.writeHead(200, headers).end(content);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { host: `127.0.0.1:${port}`, close: () => server.close() };
}
