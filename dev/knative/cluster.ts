/** A node of this machine with Knative, and our image on it. */
import { join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { nativePlatform } from '../image/platforms.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../node/cluster.ts';
import { startKnative, type Knative } from './start.ts';

/** What the image is called on the node. */
export const ourImage = { name: 'buildkit-controller', tag: 'knative' } as const;

export interface KnativeCluster extends Cluster {
  readonly ingress: Knative['ingress'];
  /** Where the ingress listens, at port 80. */
  readonly address: string;
}

/** Resolves when our overlay can be installed. @throws {Error} of one sentence where this machine can run no node. */
export async function startKnativeCluster(options: ClusterOptions): Promise<KnativeCluster> {
  const { folder } = options;
  const cluster = await startCluster(options);
  const { controlPlane, kubectl, importImage, addresses } = cluster;
  const address = addresses.machine;
  try {
    const host = { kubectl, kubeUrl: controlPlane.url, caFile: controlPlane.caFile, address, importImage };
    const [knative] = await Promise.all([startKnative({ ...options, ...host }), bringOurImage(folder, importImage)]);
    const stop = async (): Promise<void> => {
      await knative.stop();
      await cluster.stop();
    };
    return { ...cluster, ingress: knative.ingress, address, stop };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function bringOurImage(folder: string, importImage: Cluster['importImage']): Promise<void> {
  const output = join(folder, 'image.tar');
  const name = `docker.io/library/${ourImage.name}:${ourImage.tag}`;
  await buildImage({ platforms: [nativePlatform], output, name });
  await importImage(output);
}
