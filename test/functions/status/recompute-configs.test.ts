import { describe, expect, it } from 'vitest';
import type { OidcConfigStatus } from '../../../api/status.ts';
import type { OidcConfig } from '../../../api/v1beta1/oidc-config.ts';
import type { FetchFault } from '../../../core/oidc/fetch-fault.ts';
import type { ApplyResult } from '../../../core/status/observed.ts';
import { createRecomputeConfigs } from '../../../functions/status/recompute-configs.ts';

const now = new Date('2026-01-02T03:04:05.678Z');

const config = (name: string, spec: object = {}, change: Partial<OidcConfig['metadata']> = {}): OidcConfig => ({
  metadata: {
    namespace: 'tenant-a',
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...change,
  },
  spec: { issuer: 'https://issuer.example', audience: name, ...spec },
});

interface World {
  readonly fault?: FetchFault;
  readonly applied?: ApplyResult;
  readonly isPrivateAllowed?: boolean;
}

function createWorld(
  configs: OidcConfig[],
  { fault, applied = { written: '2' }, isPrivateAllowed = false }: World = {},
) {
  const written = new Map<string, OidcConfigStatus>();
  const asked: string[] = [];
  const recompute = createRecomputeConfigs({
    listConfigs: (namespace) =>
      Promise.resolve(configs.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)),
    findFault: ({ id }) => {
      asked.push(id);
      return Promise.resolve(fault);
    },
    apply: ({ metadata }, status) => {
      written.set(metadata.name, status);
      return Promise.resolve(applied);
    },
    policy: { clusterIssuer: 'https://cluster.example', isPrivateAllowed },
    now: () => now,
  });
  return { recompute, written, asked };
}

const status = (isTrue: boolean, reason: string, message: string, generation = 1): OidcConfigStatus => ({
  ready: isTrue,
  message,
  conditions: [
    {
      type: 'Ready',
      status: isTrue ? 'True' : 'False',
      reason,
      message,
      lastTransitionTime: '2026-01-02T03:04:05Z',
      observedGeneration: generation,
    },
  ],
});
const discovered = status(true, 'Discovered', 'the issuer tells its keys');
const insecure = 'the issuer has no https or a private host, which this installation does not permit here';

describe('the status of a config', () => {
  it('says that the issuer serves its keys', async () => {
    const { recompute, written, asked } = createWorld([config('ci')]);
    await recompute('tenant-a');
    expect(written).toEqual(new Map([['ci', discovered]]));
    expect(asked).toEqual(['uid-of-ci/1']);
  });

  it.each<[string, OidcConfig, string, string]>([
    ['is switched off', config('a', { enabled: false }), 'Disabled', 'spec.enabled is false'],
    [
      "names the cluster's issuer",
      config('a', { issuer: 'https://cluster.example' }),
      'ClusterIssuer',
      "is this cluster's own issuer, whose tokens count only when the apiserver says so",
    ],
    [
      'names an issuer of everybody',
      config('a', { issuer: 'https://gitlab.com' }),
      'UnboundIssuer',
      'anybody can get a token of this issuer for any audience: an audience and a bound claim are needed',
    ],
    ['names an issuer without TLS', config('a', { issuer: 'http://issuer.example' }), 'InsecureIssuer', insecure],
    [
      'names a private issuer',
      config('a', { issuer: 'https://10.0.0.1' }, { namespace: 'buildkit-system' }),
      'InsecureIssuer',
      insecure,
    ],
  ])('says that it does not count, and asks nobody, where it %s', async (_, one, reason, message) => {
    const { recompute, written, asked } = createWorld([one]);
    await recompute(undefined);
    expect(written).toEqual(new Map([['a', status(false, reason, message)]]));
    expect(asked).toEqual([]);
  });

  it('lets the private issuer of the controller count where the installation does', async () => {
    const one = config('a', { issuer: 'http://10.0.0.1' }, { namespace: 'buildkit-system' });
    const { recompute, written } = createWorld([one], { isPrivateAllowed: true });
    await recompute(undefined);
    expect(written.get('a')).toEqual(discovered);
  });

  it('says which older one counts instead', async () => {
    const twin = { audience: 'same' };
    const older = config('z', twin, { creationTimestamp: '2025-01-01T00:00:00Z' });
    const { recompute, written } = createWorld([config('a', twin), older]);
    await recompute('tenant-a');
    expect(written).toEqual(
      new Map([
        ['a', status(false, 'Duplicate', '"z" is older and names the same issuer and audience')],
        ['z', discovered],
      ]),
    );
  });

  it.each<[FetchFault, string]>([
    ['no_public_address', 'the name of the host has no public address'],
    ['redirect', 'the issuer answered with a redirect, which is not followed'],
    ['timeout', 'the issuer did not answer in time'],
    ['other_issuer', 'the discovery document names another issuer'],
  ])('says why the keys cannot be had: %s', async (fault, message) => {
    const { recompute, written } = createWorld([config('ci')], { fault });
    await recompute('tenant-a');
    expect(written.get('ci')).toEqual(status(false, 'DiscoveryFailed', message));
  });

  it('is written only when it changes', async () => {
    const stored = { ...config('ci'), status: discovered };
    const { recompute, written } = createWorld([stored]);
    await recompute('tenant-a');
    expect(written).toEqual(new Map());
    const changed = { ...config('ci', {}, { generation: 2 }), status: discovered };
    const again = createWorld([changed]);
    await again.recompute('tenant-a');
    expect(again.written.get('ci')).toEqual(status(true, 'Discovered', 'the issuer tells its keys', 2));
  });

  it('is tried again when it could not be written, and the others are written', async () => {
    const { recompute, written } = createWorld([config('a'), config('b')], { applied: 'stale' });
    await expect(recompute('tenant-a')).rejects.toThrow(
      'OIDC configs that failed: 2; the first: the config changed meanwhile',
    );
    expect([...written.keys()]).toEqual(['a', 'b']);
  });

  it('is kept while too many issuers are being asked', async () => {
    const { recompute, written } = createWorld([config('a')], { fault: 'busy' });
    await expect(recompute('tenant-a')).rejects.toThrow('too many issuers are being asked');
    expect(written).toEqual(new Map());
  });

  it('of a config that is gone is nobody’s', async () => {
    const { recompute } = createWorld([config('a')], { applied: 'gone' });
    await expect(recompute('tenant-a')).resolves.toBeUndefined();
  });
});
