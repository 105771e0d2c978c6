/** Our parts as Pods of the node, installed as anybody installs them. */
import { execFile } from 'node:child_process';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { buildImage } from '../image/build.ts';
import { buildkitRepository, writeBuildkitImage } from '../image/buildkit-image.ts';
import { nativePlatform, parsePlatforms } from '../image/platforms.ts';
import { expectSuccess } from '../kubectl.ts';
import { developmentFqdn } from '../parts.ts';
import type { Cluster } from './cluster.ts';

const root = join(import.meta.dirname, '../..');
const readyTimeout = '120s';

/** What the node calls the image. */
const repository = 'docker.io/library/buildkit-controller';

export interface InstallOptions {
  readonly cluster: Pick<Cluster, 'importImage' | 'kubectl'>;
  /** Takes the image and the manifests as they are applied. */
  readonly folder: string;
  readonly report?: (line: string) => unknown;
}

/**
 * Builds the image of this checkout and installs overlay `plain`; resolves when every part is ready.
 * @returns the image's name, with its digest.
 */
export async function install({ cluster, folder, report = () => undefined }: InstallOptions): Promise<string> {
  const tar = join(folder, 'image.tar');
  report('building the image of this checkout');
  const digest = await buildImage({ platforms: parsePlatforms(nativePlatform), output: tar, report });
  const buildkitTar = join(folder, 'buildkit.tar');
  const buildkitImage = await writeBuildkitImage(buildkitTar, report);
  report('installing it on the node');
  await cluster.importImage(tar, repository);
  await cluster.importImage(buildkitTar, buildkitRepository);
  const image = `${repository}@${digest}`;
  const overlay = await pin(folder, image, buildkitImage);
  await expectSuccess(cluster.kubectl, ['apply', '-k', overlay]);
  const deployments = ['deployments', '--all', `--namespace=${SYSTEM_NAMESPACE}`];
  await expectSuccess(cluster.kubectl, [
    'wait',
    '--for=condition=Available',
    `--timeout=${readyTimeout}`,
    ...deployments,
  ]);
  return image;
}

/** The overlay in a copy of the manifests that says which images and which cluster. */
async function pin(folder: string, image: string, buildkitImage: string): Promise<string> {
  const manifests = join(folder, 'manifests');
  await rm(manifests, { recursive: true, force: true });
  await cp(join(root, 'manifests'), manifests, { recursive: true });
  await promisify(execFile)('sh', [join(manifests, 'pin-image.sh'), image, buildkitImage]);
  await writeFile(join(manifests, 'install/install.env'), `cluster-fqdn=${developmentFqdn}\n`);
  return join(manifests, 'overlays/plain');
}
