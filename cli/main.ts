/** `bkctl`: wires the commands to the caller's apiserver. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createJobStarter, createRotationRequester } from '../adapters/kube/authority.ts';
import { connectKube, KubeError, type KubeClient } from '../adapters/kube/client.ts';
import { askApi } from '../adapters/api-health.ts';
import { observeInstallation } from '../adapters/kube/installation.ts';
import { readKubeconfig } from '../adapters/kube/kubeconfig.ts';
import { createTrustBundle } from '../adapters/kube/trust-bundle.ts';
import { readRelease } from '../adapters/release.ts';
import { isSignedBy } from '../adapters/x509/authorities.ts';
import { describeCertificate } from '../adapters/x509/describe.ts';
import { runArgs, type Connection, type Output } from './args.ts';
import { runCaRotate, runCaShow, type CommandPorts } from './commands.ts';
import { runDoctor, type DoctorOptions, type DoctorPorts } from './doctor.ts';

const output: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

const write = (line: string): void => {
  output.out(`${line}\n`);
};
const complain = (line: string): void => {
  output.err(`${line}\n`);
};

/** Runs a command on the apiserver of the kubeconfig, and tells in a sentence why it can't. */
const onCluster =
  (run: (kube: KubeClient, options: DoctorOptions) => Promise<number>) =>
  async ({ kubeconfig, context }: Connection, options: DoctorOptions = { json: false }): Promise<number> => {
    const connection = await readKubeconfig({ file: kubeconfig, context });
    if (!connection.ok) return fail(connection.error);
    const kube = connectKube(connection.value);
    try {
      return await run(kube, options);
    } catch (error) {
      if (error instanceof KubeError) return fail(error.message);
      throw error;
    } finally {
      kube.close();
    }
  };

const wireCommands = (kube: KubeClient): CommandPorts => ({
  now: Date.now,
  newSuffix: () => randomBytes(4).toString('hex'),
  getTrust: createTrustBundle(kube).get,
  requestRotation: createRotationRequester(kube),
  startJob: createJobStarter(kube),
  describe: describeCertificate,
  isSignedBy,
  write,
  complain,
});

const wireDoctor = (kube: KubeClient): DoctorPorts => ({
  now: Date.now,
  readRelease: () => readRelease(join(import.meta.dirname, '../manifests')),
  observe: (rights) => observeInstallation(kube, rights),
  askApi,
  describe: describeCertificate,
  isSignedBy,
  write,
});

function fail(message: string): number {
  complain(`bkctl: ${message}`);
  return 1;
}

process.exitCode = await runArgs(
  process.argv.slice(2),
  {
    showCa: onCluster((kube, options) => runCaShow(wireCommands(kube), options)),
    rotateCa: onCluster((kube) => runCaRotate(wireCommands(kube))),
    doctor: onCluster((kube, options) => runDoctor(wireDoctor(kube), options)),
  },
  output,
);
