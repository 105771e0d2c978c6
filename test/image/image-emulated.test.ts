import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openArchive, type ImageManifest } from '../../dev/image/archive.ts';
import { nativePlatform, platforms } from '../../dev/image/platforms.ts';
import { runFromPage } from './image-page.ts';
import { startIn, unpackLayers } from './rootfs.ts';

const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
const isEmulating = isRoot && process.env['SOAK'] === '1' && nativePlatform === 'linux/amd64';

describe.skipIf(!isEmulating)('the image for arm64, built on amd64 (SOAK=1, root and qemu-user-static)', () => {
  it('has a compile cache that its Node takes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'image-emulated-'));
    const archive = join(folder, 'image.tar');
    await runFromPage(/^.* --emulate$/m, archive);
    mkdirSync(join(folder, 'oci'));
    const [image] = (await openArchive(archive, join(folder, 'oci'))) as [ImageManifest];
    const rootfs = join(folder, 'rootfs');
    await unpackLayers(join(folder, 'oci'), image, rootfs);
    expect(readdirSync(join(rootfs, 'app/compile-cache')).join()).toContain('-arm64-');

    const emulator = execFileSync('which', [platforms['linux/arm64'].emulator], { encoding: 'utf8' }).trim();
    cpSync(emulator, join(rootfs, 'emulator'));
    const environment = {
      NODE_COMPILE_CACHE: '/app/compile-cache',
      NODE_COMPILE_CACHE_PORTABLE: '1',
      NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
    };
    const command = ['/emulator', '/usr/bin/node', '/app/main.mjs', 'bridge'];
    const child = startIn({ rootfs, command, environment });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(stderr).toContain('code cache for ESM file:///app/bridge.mjs was accepted');
    expect(stderr).toMatch(/environment: expected KUBERNETES_SERVICE_HOST, .* to be set/);
    await rm(folder, { recursive: true });
  });
});
