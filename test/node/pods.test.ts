import { beforeAll, describe, expect, it, vi } from 'vitest';
import { apply, evaluate, makePod, makeServer, missing, run, waiting, waitUntilReady } from './cluster.ts';

const namespace = 'pods';
const fetchText = (url: string) =>
  `console.log(await (await fetch('${url}', { signal: AbortSignal.timeout(5000) })).text())`;

describe.skipIf(missing !== undefined)(`a node (${missing ?? 'Linux, as root'})`, () => {
  beforeAll(async () => {
    await run(['create', 'namespace', namespace]);
    await run(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    const items = [
      makeServer({ namespace, name: 'web', labels: { app: 'web' } }),
      makePod({ namespace, name: 'client', script: waiting }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace, name: 'site' },
        spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
    ];
    await apply({ apiVersion: 'v1', kind: 'List', items });
    await waitUntilReady(namespace, 'web', 'client');
    // kube-proxy learns a moment after the Pod is Ready that the Service leads to it.
    const isReached = (): Promise<boolean> =>
      evaluate(namespace, 'client', fetchText('http://site')).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(isReached, { timeout: 120_000, interval: 200 });
  });

  it('is Ready, and has no taint', async () => {
    expect(await run(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name} {.items[*].spec.taints}'])).toBe(
      'node ',
    );
  });

  it('serves the logs of a Pod, and runs a command in it', async () => {
    expect(await run(['logs', '-n', namespace, 'web'])).toContain('listening');
    expect(await evaluate(namespace, 'web', `console.log(process.getuid())`)).toBe('10001\n');
  });

  it.each([
    ['by the name of its Service', 'client', 'site'],
    ['by the full name of its Service', 'client', `site.${namespace}.svc.cluster.local`],
    ['by itself, through its Service', 'web', 'site'],
  ])('lets a Pod be reached %s', async (_, from, host) => {
    expect(await evaluate(namespace, from, fetchText(`http://${host}`))).toBe('web\n');
  });

  it('lets this machine reach a Pod and a Service by their addresses', async () => {
    const pod = await run(['get', 'pod', '-n', namespace, 'web', '-o', 'jsonpath={.status.podIP}']);
    const service = await run(['get', 'service', '-n', namespace, 'site', '-o', 'jsonpath={.spec.clusterIP}']);
    for (const host of [`${pod}:8080`, service])
      expect(await (await fetch(`http://${host}`, { signal: AbortSignal.timeout(5000) })).text()).toBe('web');
  });

  it('lets a Pod call the apiserver with its own account', async () => {
    const spec = { automountServiceAccountToken: true };
    await apply(makePod({ namespace, name: 'caller', script: waiting, spec }));
    await waitUntilReady(namespace, 'caller');
    const script = `
      import { readFileSync } from 'node:fs';
      import { get } from 'node:https';
      const folder = '/var/run/secrets/kubernetes.io/serviceaccount/';
      const [ca, token] = ['ca.crt', 'token'].map((name) => readFileSync(folder + name, 'utf8'));
      const url = 'https://kubernetes.default.svc/apis';
      get(url, { ca, headers: { authorization: 'Bearer ' + token } }, ({ statusCode }) => {
        console.log(statusCode);
        process.exit();
      });`;
    expect(await evaluate(namespace, 'caller', script)).toBe('200\n');
  });

  it('runs a Pod as users of its own', async () => {
    const spec = { hostUsers: false };
    await apply(makePod({ namespace, name: 'apart', script: waiting, spec }));
    await waitUntilReady(namespace, 'apart');
    const script = `import { readFileSync } from 'node:fs'; console.log(readFileSync('/proc/self/uid_map', 'utf8'))`;
    const [first, outside, count] = (await evaluate(namespace, 'apart', script)).trim().split(/\s+/).map(Number);
    expect([first, count]).toEqual([0, 65_536]);
    expect(outside).toBeGreaterThanOrEqual(65_536);
  });
});
