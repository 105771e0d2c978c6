import { describe, expect, it } from 'vitest';
import { definitionTimeoutMs } from '../../../api/limits/authority.ts';
import { createCaBundleWriter } from '../../../adapters/kube/ca-bundles.ts';
import { KubeError, type KubeCall } from '../../../adapters/kube/client.ts';

const encoded = Buffer.from('new').toString('base64');
const old = Buffer.from('old').toString('base64');
const crd = (plural: string) =>
  `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.buildkit.smrt-devops.net`;
const webhooks = (kind: string) =>
  `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/buildkit-controller`;
const pools = crd('buildkitpools');
const everything = [
  pools,
  crd('buildkitworkers'),
  crd('buildkitoidcconfigs'),
  webhooks('mutating'),
  webhooks('validating'),
];

const definition = (caBundle?: string) => ({
  metadata: { resourceVersion: '7' },
  spec: { conversion: { webhook: { clientConfig: caBundle === undefined ? {} : { caBundle } } } },
});
const configuration = (...bundles: readonly string[]) => ({
  metadata: { resourceVersion: '8' },
  webhooks: bundles.map((caBundle, index) => ({ name: `w${index}`, clientConfig: { caBundle, url: 'https://x' } })),
});

/** An apiserver that holds these objects; a write of `broken` is refused as the real one refuses a stale version. */
function holding(objects: Record<string, unknown>, broken?: string) {
  const writes: KubeCall[] = [];
  const call = (asked: KubeCall): Promise<unknown> => {
    if (asked.method === undefined) {
      const found = objects[asked.path];
      return found === undefined ? Promise.reject(new KubeError(404, 'NotFound', 'not found')) : Promise.resolve(found);
    }
    if (asked.path === broken) return Promise.reject(new KubeError(409, 'Conflict', 'the object has been modified'));
    writes.push(asked);
    return Promise.resolve({});
  };
  return { write: createCaBundleWriter({ call }), writes };
}

const all = () =>
  Object.fromEntries(
    everything.map((path) => [path, path.includes('webhookconf') ? configuration(old, encoded) : definition()]),
  );

describe('the CA bundle', () => {
  it('is written to every caBundle field, at the resourceVersion that was read, and nothing else changes', async () => {
    const { write, writes } = holding(all());
    expect(await write('new')).toEqual(everything);
    const clientConfig = { caBundle: encoded };
    expect(writes[0]).toEqual({
      method: 'PATCH',
      path: pools,
      contentType: 'application/merge-patch+json',
      timeoutMs: definitionTimeoutMs,
      body: { metadata: { resourceVersion: '7' }, spec: { conversion: { webhook: { clientConfig } } } },
    });
    expect(writes[3]).toEqual({
      method: 'PATCH',
      path: webhooks('mutating'),
      contentType: 'application/strategic-merge-patch+json',
      timeoutMs: definitionTimeoutMs,
      body: { metadata: { resourceVersion: '8' }, webhooks: [{ name: 'w0', clientConfig }] },
    });
  });

  it('is not written when it is there already: a change of a CRD ends its watches', async () => {
    const { write, writes } = holding({ [pools]: definition(encoded), [webhooks('mutating')]: configuration(encoded) });
    expect(await write('new')).toEqual([]);
    expect(writes).toEqual([]);
  });

  it('is not written to a CRD without conversion, nor to one that is not installed', async () => {
    const { write, writes } = holding({ [pools]: { metadata: { resourceVersion: '7' }, spec: {} } });
    expect(await write('new')).toEqual([]);
    expect(writes).toEqual([]);
  });

  it('is left to the next run where somebody else wrote in between', async () => {
    const { write } = holding(all(), crd('buildkitworkers'));
    await expect(write('new')).rejects.toThrow('the object has been modified');
  });

  it('is left undecided where the apiserver gives no answer', async () => {
    const call = () => Promise.reject(new KubeError(0, 'Unreachable', 'apiserver unreachable'));
    const write = createCaBundleWriter({ call });
    await expect(write('new')).rejects.toThrow('apiserver unreachable');
  });
});
