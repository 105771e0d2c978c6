import { beforeAll, describe, expect, it } from 'vitest';
import { apply, evaluate, makePod, makeServer, missing, run, waiting, waitUntilReady } from './cluster.ts';

const [inner, outer] = ['policies-inner', 'policies-outer'];
const labels = { app: 'server' };

const makePolicy = (name: string, spec: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: inner, name },
  spec,
});

/** What the server answers, or why it does not, by the address of its Service or Pod. */
const ask = async (namespace: string, pod: string, host: string): Promise<string> => {
  const script = `
    const signal = AbortSignal.timeout(1000);
    const answer = await fetch('http://${host}', { signal }).then((response) => response.text(), () => 'kept away');
    console.log(answer);`;
  return (await evaluate(namespace, pod, script)).trim();
};

describe.skipIf(missing !== undefined)(`NetworkPolicies on a node (${missing ?? 'Linux, as root'})`, () => {
  let server: string;

  beforeAll(async () => {
    for (const namespace of [inner, outer]) await run(['create', 'namespace', namespace]);
    const items = [
      makeServer({ namespace: inner, name: 'server', labels }),
      makePod({ namespace: inner, name: 'friend', script: waiting, labels: { app: 'friend' } }),
      makePod({ namespace: inner, name: 'stranger', script: waiting }),
      makePod({ namespace: outer, name: 'guest', script: waiting }),
    ];
    await apply({ apiVersion: 'v1', kind: 'List', items });
    await waitUntilReady(inner, 'server', 'friend', 'stranger');
    await waitUntilReady(outer, 'guest');
    server = `${await run(['get', 'pod', '-n', inner, 'server', '-o', 'jsonpath={.status.podIP}'])}:8080`;
    expect(await ask(outer, 'guest', server)).toBe('server');
  });

  it('let in whom they name, and nobody else', async () => {
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': outer } };
    const from = [{ podSelector: { matchLabels: { app: 'friend' } } }, { namespaceSelector }];
    const ingress = [{ from, ports: [{ port: 8080 }] }];
    const policy = makePolicy('ingress', { podSelector: { matchLabels: labels }, policyTypes: ['Ingress'], ingress });
    await apply(policy);
    await expect.poll(() => ask(inner, 'stranger', server), { timeout: 120_000 }).toBe('kept away');
    expect(await ask(inner, 'friend', server)).toBe('server');
    expect(await ask(outer, 'guest', server)).toBe('server');
    await run(['delete', 'networkpolicy', '-n', inner, 'ingress']);
    await expect.poll(() => ask(inner, 'stranger', server), { timeout: 120_000 }).toBe('server');
  });

  it('let out where they say, from the start of a Pod on', async () => {
    const podSelector = { matchLabels: { app: 'kept' } };
    await apply(makePolicy('egress', { podSelector, policyTypes: ['Egress'], egress: [] }));
    const script = `
      const signal = AbortSignal.timeout(1000);
      console.log(await fetch('http://${server}', { signal }).then((response) => response.text(), () => 'kept away'));
      ${waiting}`;
    await apply(makePod({ namespace: inner, name: 'kept', script, labels: { app: 'kept' } }));
    await waitUntilReady(inner, 'kept');
    await expect.poll(() => run(['logs', '-n', inner, 'kept']), { timeout: 120_000 }).toBe('kept away\n');
    await run(['delete', 'networkpolicy', '-n', inner, 'egress']);
    await expect.poll(() => ask(inner, 'kept', server), { timeout: 120_000 }).toBe('server');
  });
});
