/** Both versions on a real apiserver, with the webhook as it runs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { GROUP, KINDS, type Version } from '../../api/names.ts';
import { getJson, makeNamespace, run } from './cluster.ts';

interface Stored {
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Record<string, string>;
    readonly generation: number;
  };
  readonly spec: object;
}

let namespace: string;
beforeAll(async () => {
  namespace = await makeNamespace('versions');
});

const resource = (version: Version, plural: string = KINDS.pool.plural) => `${plural}.${version}.${GROUP}`;
const write = (version: Version, name: string, spec: object) =>
  run(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: `${GROUP}/${version}`, kind: 'BuildKitPool', metadata: { name, namespace }, spec }),
  );
const read = (version: Version, name: string) => getJson<Stored>('-n', namespace, resource(version), name);

const old = {
  scaling: { min: 1, scaleDownDelay: '5m' },
  tls: { enabled: true, auto: {} },
  networking: { port: 9999, external: {} },
  auth: { methods: [{ type: 'mtls' }, { type: 'oidc', oidc: { issuer: 'https://issuer.example', audience: 'a' } }] },
};
const now = {
  workers: { scaling: { min: 1, idleTimeout: '5m' } },
  v1alpha1: {
    tls: { enabled: true, auto: {} },
    networking: { port: 9999, external: {} },
    auth: { methods: [{ type: 'mtls' }, { type: 'oidc', oidc: { issuer: 'https://issuer.example', audience: 'a' } }] },
  },
};
const onlyNew = {
  isolation: 'Privileged',
  sharing: 'Pool',
  egress: { allowedCIDRs: ['10.0.0.0/8'] },
  template: {
    labels: { team: 'a' },
    tolerations: [{ key: 'builds', operator: 'Exists' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] }] }],
        },
      },
    },
  },
};

describe('a pool', () => {
  it('that is written in v1alpha1 reads back as written, and in the words of v1beta1', async () => {
    await write('v1alpha1', 'old', old);
    expect((await read('v1alpha1', 'old')).spec).toEqual(old);
    expect((await read('v1beta1', 'old')).spec).toEqual(now);
  });

  it('that is written in v1beta1 reads back as written, and in the words of v1alpha1', async () => {
    await write('v1beta1', 'new', { workers: { ...onlyNew, image: 'i' } });
    expect((await read('v1beta1', 'new')).spec).toEqual({ workers: { ...onlyNew, image: 'i' } });
    const { spec, metadata } = await read('v1alpha1', 'new');
    expect(spec).toEqual({ buildkitImage: 'i', workers: onlyNew });
    expect(Object.keys(metadata.annotations ?? {})).toEqual(['kubectl.kubernetes.io/last-applied-configuration']);
  });

  it('keeps what only v1beta1 can say when it is edited in v1alpha1, by patch, apply and server-side apply', async () => {
    const manifest = (version: Version, spec: object) =>
      JSON.stringify({
        apiVersion: `${GROUP}/${version}`,
        kind: 'BuildKitPool',
        metadata: { name: 'edited', namespace },
        spec,
      });
    const owned = { workers: { ...onlyNew, scaling: { max: 2 } } };
    await run(['apply', '--server-side', '--field-manager=owner', '-f', '-'], manifest('v1beta1', owned));
    const patch = ['--type=merge', '-p', '{"spec":{"scaling":{"max":7}}}'];
    await run(['patch', '-n', namespace, resource('v1alpha1'), 'edited', ...patch]);
    expect((await read('v1beta1', 'edited')).spec).toEqual({ workers: { ...onlyNew, scaling: { max: 7 } } });

    await write('v1alpha1', 'edited', { scaling: { max: 8 }, buildkitImage: 'i' });
    expect((await read('v1beta1', 'edited')).spec).toEqual({
      workers: { ...onlyNew, scaling: { max: 8 }, image: 'i' },
    });

    await run(
      ['apply', '--server-side', '--force-conflicts', '--field-manager=editor', '-f', '-'],
      manifest('v1alpha1', { scaling: { max: 9 } }),
    );
    expect((await read('v1beta1', 'edited')).spec).toMatchObject({ workers: { ...onlyNew, scaling: { max: 9 } } });
  });

  it('is not written anew by an apply that changes nothing, in either version', async () => {
    await write('v1alpha1', 'quiet', old);
    const { metadata } = await read('v1beta1', 'quiet');
    await write('v1alpha1', 'quiet', old);
    expect((await read('v1beta1', 'quiet')).metadata.generation).toBe(metadata.generation);
  });

  it('cannot be changed by an annotation', async () => {
    const forged = JSON.stringify({
      v1alpha1: { auth: 'boo' },
      v1beta1: { access: { workers: { namespaces: { from: 'All' } } } },
    });
    await write('v1alpha1', 'forged', {});
    await run(['annotate', '-n', namespace, resource('v1alpha1'), 'forged', `${GROUP}/other-version=${forged}`]);
    for (const version of ['v1alpha1', 'v1beta1'] as const) expect((await read(version, 'forged')).spec).toEqual({});
  });

  it('is refused in v1alpha1 where it switches TLS off', async () => {
    await expect(write('v1alpha1', 'plain', { tls: { enabled: false } })).rejects.toThrow(
      'spec.tls.enabled: Invalid value: false: expected true: TLS cannot be switched off',
    );
  });
});

describe('both versions', () => {
  it('list what was written in either', async () => {
    const lists = await Promise.all(
      (['v1alpha1', 'v1beta1'] as const).map(async (version) => {
        const { items } = await getJson<{ items: Stored[] }>('-n', namespace, resource(version));
        expect(new Set(items.map(({ apiVersion }) => apiVersion))).toEqual(new Set([`${GROUP}/${version}`]));
        return items.map(({ metadata }) => metadata.name);
      }),
    );
    expect(lists[0]).toEqual(lists[1]);
    expect(lists[0]).toEqual(expect.arrayContaining(['edited', 'new', 'old']));
  });

  it('are watched, each in its own words', async () => {
    const before = await getJson<{ metadata: { resourceVersion: string } }>('-n', namespace, 'buildkitpools');
    await write('v1alpha1', 'watched', { buildkitImage: 'i' });
    const watch = async (version: Version) => {
      const since = `watch=true&timeoutSeconds=2&resourceVersion=${before.metadata.resourceVersion}`;
      const path = `/apis/${GROUP}/${version}/namespaces/${namespace}/${KINDS.pool.plural}`;
      const events = await run(['get', '--raw', `${path}?${since}&fieldSelector=metadata.name=watched`]);
      return JSON.parse(events.split('\n')[0] ?? '') as { type: string; object: Stored };
    };
    expect(await watch('v1alpha1')).toMatchObject({ type: 'ADDED', object: { spec: { buildkitImage: 'i' } } });
    expect(await watch('v1beta1')).toMatchObject({ type: 'ADDED', object: { spec: { workers: { image: 'i' } } } });
  });

  it('show the same columns, and select workers by their pool', async () => {
    for (const name of ['one', 'two']) {
      await write('v1beta1', name, {});
      const spec = { poolRef: { name } };
      const worker = { apiVersion: `${GROUP}/v1alpha1`, kind: 'BuildKitWorker', metadata: { name, namespace }, spec };
      await run(['apply', '-f', '-'], JSON.stringify(worker));
    }
    for (const version of ['v1alpha1', 'v1beta1'] as const) {
      const plural = resource(version, KINDS.worker.plural);
      const selector = `--field-selector=spec.poolRef.name=two,spec.poolRef.namespace=${namespace}`;
      expect(await run(['get', plural, '-n', namespace, selector, '-o', 'name'])).toBe(
        'buildkitworker.buildkit.smrt-devops.net/two\n',
      );
      const [header] = (await run(['get', plural, '-n', namespace])).split('\n');
      expect(header?.split(/ +/)).toEqual(['NAME', 'POOL', 'POOL-NAMESPACE', 'PHASE', 'POD', 'AGE']);
    }
  });

  it('are stored as v1beta1 alone', async () => {
    for (const { plural } of Object.values(KINDS)) {
      const crd = await getJson<{ status: { storedVersions: string[] } }>('crd', `${plural}.${GROUP}`);
      expect(crd.status.storedVersions).toEqual(['v1beta1']);
    }
  });
});
