/** `npm run kind`: the system in a cluster of kind on this machine, built from this checkout. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { find } from '../control-plane/find.ts';
import { controlPlane } from '../control-plane/table.ts';
import { findMissingEngine } from './engine.ts';
import { findKind } from './find.ts';

const root = join(import.meta.dirname, '../..');
const cluster = 'buildkit';
const image = 'docker.io/library/buildkit-controller:kind';
const kubeconfig = join(root, 'dist/kind.kubeconfig');
const archive = join(root, 'dist/kind-image.tar');

async function main(): Promise<void> {
  const missing = await findMissingEngine();
  if (missing !== undefined) throw new Error(missing);
  const kind = await findKind();
  const { kubectl } = await find(controlPlane);
  await mkdir(join(root, 'dist'), { recursive: true });
  await run(process.execPath, ['dev/image.ts', '--name', image, '--output', archive]);
  await bringUpCluster(kind);
  await run(kind, ['load', 'image-archive', archive, '--name', cluster]);
  await run(kubectl, ['apply', '-k', 'manifests/overlays/kind']);
  const wait = ['wait', '--namespace=buildkit-system', '--timeout=180s'];
  await run(kubectl, [
    ...wait,
    '--for=condition=Complete',
    'job',
    '--selector=app.kubernetes.io/name=buildkit-authority',
  ]);
  await run(kubectl, [...wait, '--for=condition=Available', 'deployment', '--all']);
  await run(process.execPath, ['cli/main.ts', 'doctor']);
  process.stdout.write(screen);
}

/** The one that runs already is used. */
async function bringUpCluster(kind: string): Promise<void> {
  const clusters = await run(kind, ['get', 'clusters'], 'pipe');
  if (clusters.split('\n').includes(cluster)) await run(kind, ['export', 'kubeconfig', '--name', cluster]);
  else await run(kind, ['create', 'cluster', '--config', 'dev/kind/cluster.yaml', '--wait', '120s']);
}

/** Rejects where the command fails; what it wrote, where that is not for the terminal. The user's own kubeconfig stays as it is. */
async function run(file: string, args: readonly string[], stdout: 'inherit' | 'pipe' = 'inherit'): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', stdout, 'inherit'] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(signal ?? code);
    });
  });
  if (status !== 0) throw new Error(`${file} ${args.slice(0, 2).join(' ')} ended with ${String(status)}`);
  return text;
}

const screen = `
BuildKit Controller runs in a cluster of kind. In another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl apply -f manifests/examples/tenants.yaml
  kubectl get buildkitpools --all-namespaces
  npx bkctl doctor

The API, at https://localhost:8082 while this runs:

  kubectl port-forward -n buildkit-system service/buildkit-api 8082:8082

To end it:

  npx kind delete cluster --name ${cluster}
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`npm run kind: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
