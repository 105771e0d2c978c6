/** Removing an installation by the commands of docs/install.md, in the right order and in the wrong one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { POOL_FINALIZER, STORAGE_API_VERSION } from '../../api/names.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess, type Kubectl } from '../../dev/kubectl.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { manifests, overlay, playCommands, readCommands, render, startBareCluster } from './installation.ts';

/** Everything that can be listed, but for what the control plane itself writes all the time. */
async function listEverything(kubectl: Kubectl): Promise<string[]> {
  const types = await expectSuccess(kubectl, ['api-resources', '--verbs=list', '--output=name']);
  const listed = types
    .trim()
    .split('\n')
    .filter((type) => !/^events(?:\.|$)|^componentstatuses$/.test(type));
  const columns = '--output=custom-columns=:apiVersion,:kind,:metadata.namespace,:metadata.name';
  const found = await expectSuccess(kubectl, ['get', listed.join(','), '--all-namespaces', '--no-headers', columns]);
  return found
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
    .toSorted();
}

/** With what controllers give a new namespace. kubectl waits for no more than one object to be created. */
async function makeTenant(kubectl: Kubectl): Promise<void> {
  await expectSuccess(kubectl, ['create', 'namespace', 'tenant']);
  for (const made of ['serviceaccount/default', 'configmap/kube-root-ca.crt'])
    await expectSuccess(kubectl, ['wait', '-n', 'tenant', '--for=create', made]);
}

const make = (kind: string, namespace: string, name: string, rest: object = {}) => ({
  apiVersion: STORAGE_API_VERSION,
  kind,
  metadata: { namespace, name },
  ...rest,
});
const write = (kubectl: Kubectl, items: readonly object[]): Promise<string> =>
  expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** What a system on this machine runs beside its control plane, and so is not installed there. */
async function installTheRest(kubectl: Kubectl): Promise<void> {
  const beside = ['CustomResourceDefinition', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
  const all = await render(kubectl, overlay('plain'));
  await write(
    kubectl,
    all.filter(({ kind }) => !beside.includes(kind)),
  );
}

/** Ends what was started, in reverse, whatever came of the test. */
const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

const minutes = 60_000;

describe('an installation', () => {
  it(
    'is removed by two commands, with the pools and workers of every namespace, and leaves nothing',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'removal-'));
      const watchdog = createWatchdog();
      let before: string[] = [];
      const prepare = async (kubectl: Kubectl): Promise<void> => {
        await makeTenant(kubectl);
        before = await listEverything(kubectl);
      };
      const stack: Stack = await bringUp({ folder, port: await findFreePort(), watch: watchdog.watch, prepare });
      endings.push(async () => {
        await stack.stop();
        watchdog.release();
        await rm(folder, { recursive: true, force: true });
      });
      const { kubectl } = stack;
      await installTheRest(kubectl);
      const poolRef = { name: 'shared-pool', namespace: 'buildkit-system' };
      await write(kubectl, [
        make('BuildKitPool', 'buildkit-system', 'shared-pool', { spec: {} }),
        make('BuildKitPool', 'tenant', 'pool', { spec: {} }),
        make('BuildKitWorker', 'tenant', 'worker', { spec: { poolRef } }),
        make('BuildKitOIDCConfig', 'tenant', 'issuer', {
          spec: { issuer: 'https://issuer.example', audience: 'builds' },
        }),
      ]);
      // A worker in use holds its pool.
      const inUse = ['--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Allocated"}}'];
      await expectSuccess(kubectl, ['patch', '-n', 'tenant', 'buildkitworker/worker', ...inUse]);
      const protectedBy = `--for=jsonpath={.metadata.finalizers[0]}=${POOL_FINALIZER}`;
      await expectSuccess(kubectl, ['wait', 'buildkitpools', '--all', '-A', protectedBy, '--timeout=120s']);

      const commands = await readCommands('Remove');
      expect(commands).toHaveLength(2);
      await playCommands(commands, { kubeconfig: stack.kubeconfig, file: stack.binaries.kubectl });
      expect(await listEverything(kubectl)).toEqual(before);
    },
    5 * minutes,
  );

  it(
    'whose functions went before its pools is mended by one command, and leaves nothing',
    async () => {
      const { kubectl, run, controlPlane, file, end } = await startBareCluster();
      endings.push(end);
      await makeTenant(kubectl);
      const before = await listEverything(kubectl);
      await run(['apply', '-k', join(manifests, 'crd')]);
      await run(['wait', 'crd', '--all', '--for=condition=Established', '--timeout=120s']);
      const pool = make('BuildKitPool', 'tenant', 'pool', { spec: {} });
      await write(kubectl, [{ ...pool, metadata: { ...pool.metadata, finalizers: [POOL_FINALIZER] } }]);
      await run(['apply', '-k', overlay('plain')]);

      const [, removeInstallation = ''] = await readCommands('Remove');
      // Whoever waits for it waits for ever: a pool goes when its finalizer is taken off, and nobody is left to do that.
      await run(['delete', '-k', overlay('plain'), '--ignore-not-found', '--wait=false']);
      await run(['wait', 'deployments', '--all', '-n', 'buildkit-system', '--for=delete', '--timeout=120s']);
      const stuck = await run(['get', 'buildkitpools', '-A', '-o=jsonpath={.items[*].metadata.finalizers}']);
      expect(stuck).toBe(JSON.stringify([POOL_FINALIZER]));
      await playCommands([...(await readCommands('When the functions went first')), removeInstallation], {
        kubeconfig: controlPlane.adminKubeconfig,
        file,
      });
      expect(await listEverything(kubectl)).toEqual(before);
    },
    5 * minutes,
  );
});
