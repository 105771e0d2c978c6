/** The C and C++ runtime of Debian, from the packages that this machine's apt sources offer and vouch for. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './node.ts';
import type { Platform } from './platforms.ts';

const run = promisify(execFile);
/** So that a security update reaches the next image, and a second image of the same day costs nothing. */
const maxAgeMs = 24 * 60 * 60 * 1000;

interface Wanted {
  readonly licence: string;
  /** From the root of the image on. */
  readonly files: (platform: Platform) => readonly string[];
}
const gcc = 'GPL-3.0-or-later WITH GCC-exception-3.1';
const library =
  (name: string) =>
  ({ libraries }: Platform) => [join(libraries, name)];
/** What Node links. Debian has no field for a licence: these are what the copyright files say of the files taken. */
const runtime: Readonly<Record<string, Wanted>> = {
  // By it a scanner knows which Debian this is.
  'base-files': { licence: 'GPL-2.0-or-later', files: () => ['etc/os-release'] },
  libc6: {
    licence: 'LGPL-2.1-or-later',
    files: ({ libraries, loader }) => [
      loader,
      ...['libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0'].map((name) => join(libraries, name)),
    ],
  },
  'libgcc-s1': { licence: gcc, files: library('libgcc_s.so.1') },
  'libstdc++6': { licence: gcc, files: library('libstdc++.so.6') },
  libatomic1: { licence: gcc, files: library('libatomic.so.1') },
};

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Its fields, as `/var/lib/dpkg/status.d` holds them for scanners. */
  readonly control: string;
  /** Its files, from the root on. */
  readonly folder: string;
  readonly copyright: string;
}

/** Node links it, and a base of C and C++ lacks it. */
export const isAddition = ({ name }: DebianPackage): boolean => name === 'libatomic1';

export async function findDebian(platform: Platform): Promise<DebianPackage[]> {
  const folder = join(cacheFolder(), `debian-${platform.architecture}`);
  const age = await stat(folder).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Infinity,
  );
  if (age > maxAgeMs) await fetchPackages(platform, folder);
  return Promise.all(Object.keys(runtime).map((name) => readPackage(folder, name)));
}

async function fetchPackages({ architecture }: Platform, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    for (const name of ['cache/archives/partial', 'lists/partial']) await mkdir(join(work, name), { recursive: true });
    const options = {
      'APT::Architecture': architecture,
      'APT::Architectures::': architecture,
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '10',
      'Dir::Cache': join(work, 'cache'),
      'Dir::State::Lists': join(work, 'lists'),
      'Dir::State::status': '/dev/null',
    };
    const flags = Object.entries(options).map(([key, value]) => `-o${key}=${value}`);
    const apt = (...args: string[]) => run('apt-get', ['-qq', ...flags, ...args], { cwd: work });
    await apt('update');
    await apt('download', ...Object.keys(runtime));
    await unpack(work);
    // Its documents, the licence among them, lie in another package, to which a link leads.
    await apt('download', basename(await readlink(join(work, 'libgcc-s1/usr/share/doc/libgcc-s1'))));
    await unpack(work);
    for (const name of ['cache', 'lists']) await rm(join(work, name), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(work, folder);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const reason = (stderr ?? message).trim().split('\n').at(-1) ?? '';
    throw new Error(`the C runtime comes from Debian packages, by apt-get and dpkg-deb: ${reason}`, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** `<package>_<version>_<architecture>.deb` into `<package>`, its fields beside it. */
async function unpack(work: string): Promise<void> {
  for (const file of (await readdir(work)).filter((name) => name.endsWith('.deb'))) {
    const archive = join(work, file);
    const [name = ''] = file.split('_');
    await run('dpkg-deb', ['--extract', archive, join(work, name)]);
    await writeFile(join(work, `${name}.control`), (await run('dpkg-deb', ['--field', archive])).stdout);
    await rm(archive);
  }
}

async function readPackage(folder: string, name: string): Promise<DebianPackage> {
  const control = await readFile(join(folder, `${name}.control`), 'utf8');
  const version = /^Version: (.+)$/m.exec(control)?.[1] ?? '';
  const documents = join('usr/share/doc', name);
  const owner = await readlink(join(folder, name, documents)).then(basename, () => name);
  return {
    name,
    version,
    control,
    licence: runtime[name]?.licence ?? '',
    folder: join(folder, name),
    copyright: join(folder, owner, 'usr/share/doc', owner, 'copyright'),
  };
}

/** Writes the files of packages, and what their licences and scanners ask for, below `target`. */
export async function layPackages(packages: readonly DebianPackage[], platform: Platform, target: string) {
  for (const { name, folder, copyright, control } of packages) {
    const inside = await readdir(folder, { recursive: true });
    for (const file of runtime[name]?.files(platform) ?? []) {
      // Each Debian keeps it in another folder, and some as a link.
      const found = inside.find((path) => basename(path) === basename(file));
      if (found === undefined) throw new Error(`${name}: expected ${basename(file)}`);
      await cp(join(folder, found), join(target, file), { dereference: true });
    }
    await cp(copyright, join(target, 'usr/share/doc', name, 'copyright'));
    const status = join(target, 'var/lib/dpkg/status.d', name);
    await mkdir(dirname(status), { recursive: true });
    await writeFile(status, control);
  }
}
