/** `npm run knative`: our overlay on real Knative on a node of this machine, until Ctrl-C. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createWatchdog } from '../watchdog.ts';
import { ourImage, startKnativeCluster, type KnativeCluster } from './cluster.ts';
import { installOverlay, sleepSoon } from './overlay.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** What to type, for somebody who wants to see a function come and go. */
const makeScreen = ({ kubeconfig, binaries, address }: KnativeCluster): string => `
Up: Knative with api, status and lifecycle, none of which runs. Type in another terminal, in this folder:

  export KUBECONFIG=${kubeconfig} PATH=${dirname(binaries.kubectl)}:$PATH
  kubectl get pods -n buildkit-system --watch &
  kubectl apply -f manifests/examples/tenants.yaml
  TOKEN=$(kubectl create token default -n tenant-a --audience=buildkit.smrt-devops.net)
  curl -X POST http://${address}/api/v1/certs/request \\
    -H "Host: buildkit-api.buildkit-system.svc.cluster.local" \\
    -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" \\
    -d '{"pools": ["my-pool", "buildkit-system/shared-pool"]}'

docs/knative.md tells what wakes them, and what stays up. Ctrl-C ends everything.
`;

/** What has been started ends in any case. */
async function main(ends: AsyncDisposableStack): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'knative-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const watchdog = createWatchdog();
  ends.defer(watchdog.release);
  const cluster = await startKnativeCluster({ folder, report: say, watch: watchdog.watch });
  ends.defer(cluster.stop);
  say('installing overlay knative');
  const overlay = { kubectl: cluster.kubectl, folder: join(folder, 'overlay'), image: ourImage, patches: [sleepSoon] };
  await installOverlay(overlay);
  process.stdout.write(makeScreen(cluster));
  await interruption();
}

const interruption = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        resolve();
      });
  });

const ends = new AsyncDisposableStack();
try {
  await main(ends);
} catch (error) {
  say(`npm run knative: ${(error as Error).message}`);
  process.exitCode = 1;
}
await ends.disposeAsync();
process.exit();
