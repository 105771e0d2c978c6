/** `bkctl`: wires the commands to the caller's apiserver. */
import { randomBytes } from 'node:crypto';
import { createJobStarter, createRotationRequester } from '../adapters/kube/authority.ts';
import { connectKube, KubeError } from '../adapters/kube/client.ts';
import { readKubeconfig } from '../adapters/kube/kubeconfig.ts';
import { createTrustBundle } from '../adapters/kube/trust-bundle.ts';
import { isSignedBy } from '../adapters/x509/authorities.ts';
import { describeCertificate } from '../adapters/x509/describe.ts';
import { runArgs, type Connection, type Output } from './args.ts';
import { runCaRotate, runCaShow, type CommandPorts } from './commands.ts';

const output: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** Runs a command on the apiserver of the kubeconfig, and tells in a sentence why it can't. */
const onCluster =
  (run: (ports: CommandPorts, options: { readonly json: boolean }) => Promise<number>) =>
  async ({ kubeconfig, context }: Connection, options = { json: false }): Promise<number> => {
    const connection = await readKubeconfig({ file: kubeconfig, context });
    if (!connection.ok) return fail(connection.error);
    const kube = connectKube(connection.value);
    try {
      return await run(
        {
          now: Date.now,
          newSuffix: () => randomBytes(4).toString('hex'),
          getTrust: createTrustBundle(kube).get,
          requestRotation: createRotationRequester(kube),
          startJob: createJobStarter(kube),
          describe: describeCertificate,
          isSignedBy,
          write: (line) => {
            output.out(`${line}\n`);
          },
          complain: (line) => {
            output.err(`${line}\n`);
          },
        },
        options,
      );
    } catch (error) {
      if (error instanceof KubeError) return fail(error.message);
      throw error;
    } finally {
      kube.close();
    }
  };

function fail(message: string): number {
  output.err(`bkctl: ${message}\n`);
  return 1;
}

process.exitCode = await runArgs(
  process.argv.slice(2),
  { showCa: onCluster(runCaShow), rotateCa: onCluster(runCaRotate) },
  output,
);
