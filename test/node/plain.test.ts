/** Overlay `plain` on the node, from the image of this checkout. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { install } from '../../dev/node/install.ts';
import { apply, importImage, kubectl, makePod, missing, run, waiting, waitUntilReady } from './cluster.ts';

const namespace = 'buildkit-system';
const examples = join(import.meta.dirname, '../../manifests/examples');
const deployments = ['api', 'bridge', 'lifecycle', 'status', 'webhooks'].map((part) => `deployment/buildkit-${part}`);

/** What a job of tenant-a sends: the request that the specification prints, to the Service, with our CA. */
const askForCertificate = `
  import { readFileSync } from 'node:fs';
  import { request } from 'node:https';
  const headers = {
    authorization: 'Bearer ' + readFileSync('/client/token', 'utf8'),
    'content-type': 'application/json',
  };
  const url = 'https://buildkit-api.${namespace}.svc:8082/api/v1/certs/request';
  const sent = request(url, { method: 'POST', ca: readFileSync('/client/ca.crt'), headers }, async (answer) => {
    const { endpoints } = JSON.parse((await answer.toArray()).join(''));
    console.log(answer.statusCode, Object.keys(endpoints ?? {}).join(' '));
  });
  sent.end(JSON.stringify({ pools: ['my-pool', 'buildkit-system/shared-pool', 'tenant-b/private-pool'] }));`;
const answered = '200 my-pool buildkit-system/shared-pool tenant-b/private-pool\n';

const askFromTenant = () =>
  run(['exec', '-n', 'tenant-a', 'client', '--', '/usr/bin/node', '--input-type=module', '--eval', askForCertificate]);

/** A Pod of tenant-a with a token for us and our CA, which whoever runs the cluster has given to the tenant. */
async function startClient(image: string): Promise<void> {
  const roots = await run([
    'get',
    'configmap',
    '-n',
    namespace,
    'buildkit-trust-bundle',
    '-o',
    'jsonpath={.data.ca\\.crt}',
  ]);
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'tenant-a', name: 'buildkit-ca' },
    data: { 'ca.crt': roots },
  });
  const sources = [
    { serviceAccountToken: { path: 'token', audience: 'buildkit.smrt-devops.net' } },
    { configMap: { name: 'buildkit-ca' } },
  ];
  await apply(
    makePod({
      namespace: 'tenant-a',
      name: 'client',
      script: waiting,
      spec: { volumes: [{ name: 'client', projected: { sources } }] },
      container: {
        image,
        command: ['/usr/bin/node'],
        volumeMounts: [{ name: 'client', mountPath: '/client', readOnly: true }],
      },
    }),
  );
  await waitUntilReady('tenant-a', 'client');
}

const makeWorker = (name: string) => ({
  apiVersion: 'buildkit.smrt-devops.net/v1beta1',
  kind: 'BuildKitWorker',
  metadata: { namespace: 'tenant-a', name },
  spec: { poolRef: { name: 'shared-pool', namespace } },
});

const waitForTotal = (total: number): Promise<string> =>
  run([
    'wait',
    '-n',
    namespace,
    'bkp/shared-pool',
    `--for=jsonpath={.status.workers.total}=${total}`,
    '--timeout=120s',
  ]);

describe.skipIf(missing !== undefined)(`overlay plain on a node (${missing ?? 'Linux, as root'})`, () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plain-'));
    const image = await install({ cluster: { importImage, kubectl }, folder, report: console.error });
    await rm(folder, { recursive: true });
    await run(['apply', '-f', join(examples, 'tenants.yaml')]);
    await startClient(image);
  });

  it('is Ready from one kubectl apply -k', async () => {
    // Not those of gateways, which are made for pools.
    const ours = ['-l', '!app.kubernetes.io/managed-by'];
    expect(await run(['get', 'deployments', '-n', namespace, '-o', 'name', ...ours])).toBe(
      deployments.map((name) => `${name.replace('/', '.apps/')}\n`).join(''),
    );
    await run(['wait', '-n', namespace, '--for=condition=Available', '--timeout=120s', ...deployments]);
  });

  it("answers the specification's example, sent to the Service by a Pod of tenant-a", async () => {
    expect(await askFromTenant()).toBe(answered);
  });

  it('refuses a worker as the specification says, and counts one that is granted', async () => {
    const worker = await readFile(join(examples, 'worker.yaml'), 'utf8');
    const refused = await kubectl(['apply', '--as=dev@tenant-a', '-f', '-'], worker);
    expect(refused.stderr).toContain('is not permitted by any grant');
    await apply(makeWorker('worker-0'));
    await waitForTotal(1);
  });

  it('serves its logs, and runs a command', async () => {
    expect(await run(['logs', '-n', namespace, 'deployment/buildkit-webhooks'])).toContain('"part":"webhooks"');
    const command = ['/usr/bin/node', '--print', 'process.getuid()'];
    expect(await run(['exec', '-n', namespace, 'deployment/buildkit-api', '--', ...command])).toBe('10001\n');
  });

  it.each(deployments)('loses nothing when the Pods of %s are deleted', async (deployment) => {
    const name = deployment.split('/')[1] ?? '';
    const [pod = '', ...others] = (
      await run(['get', 'pods', '-n', namespace, '-l', `app.kubernetes.io/name=${name}`, '-o', 'name'])
    )
      .trim()
      .split('\n');
    // One Pod at a time: of two, the other goes on.
    await run(['delete', '-n', namespace, pod]);
    const before = Number(
      await run(['get', '-n', namespace, 'bkp/shared-pool', '-o', 'jsonpath={.status.workers.total}']),
    );
    await apply(makeWorker(`worker-of-${name}`));
    await waitForTotal(before + 1);
    if (others.length > 0) await run(['delete', '-n', namespace, ...others]);
    await run(['wait', '-n', namespace, '--for=condition=Available', '--timeout=120s', deployment]);
    expect(await askFromTenant()).toBe(answered);
  });
});
