/** `bkctl`: wires the commands to the caller's apiserver. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createJobStarter, createRotationRequester } from '../adapters/kube/authority.ts';
import { createClient, KubeError, type KubeClient } from '../adapters/kube/client.ts';
import { askApi } from '../adapters/api-health.ts';
import { observeInstallation } from '../adapters/kube/installation.ts';
import { readKubeconfig } from '../adapters/kube/kubeconfig.ts';
import { createTrustBundle } from '../adapters/kube/trust-bundle.ts';
import { FIELD_MANAGERS } from '../api/names.ts';
import { readRelease } from '../adapters/release.ts';
import { isSignedBy } from '../adapters/x509/authorities.ts';
import { describeCertificate } from '../adapters/x509/describe.ts';
import packageJson from '../package.json' with { type: 'json' };
import { runArgs, type Connection, type Output } from './args.ts';
import { runCaRotate, runCaShow, type CommandPorts } from './commands.ts';
import { runDoctor, type DoctorOptions, type DoctorPorts } from './doctor.ts';

const output: Output = {
  version: packageJson.version,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

const write = (line: string): void => {
  output.out(`${line}\n`);
};
const complain = (line: string): void => {
  output.err(`${line}\n`);
};

/** Runs a command on the apiserver of the kubeconfig, and says in a sentence why it can't. */
const onCluster =
  <O>(run: (kube: KubeClient, options: O) => Promise<number>) =>
  async ({ kubeconfig, context }: Connection, options: O): Promise<number> => {
    const access = await readKubeconfig({ file: kubeconfig, context });
    if (!access.ok) return fail(access.error);
    const { url, login } = access.value;
    const kube = createClient(url, login, { fieldManager: FIELD_MANAGERS.bkctl });
    try {
      return await run(kube, options);
    } catch (error) {
      if (error instanceof KubeError) return fail(explain(error));
      throw error;
    } finally {
      kube.close();
    }
  };

const explain = ({ status, message }: KubeError): string =>
  status === 401
    ? `the apiserver does not accept your credentials (${message}): log in again, or name another user with --context or --kubeconfig`
    : message;

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

/** `bkctl doctor | head -2`: whoever reads has read enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runArgs(
  process.argv.slice(2),
  {
    showCa: onCluster((kube, options: { readonly json: boolean }) => runCaShow(wireCommands(kube), options)),
    rotateCa: onCluster((kube, options: { readonly isDryRun: boolean }) => runCaRotate(wireCommands(kube), options)),
    doctor: onCluster((kube, options: DoctorOptions) => runDoctor(wireDoctor(kube), options)),
  },
  output,
);
