import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateOidcConfig, type OidcConfigPorts } from '../../../core/admission/validate-oidc-config.ts';
import { makeConfigRequest, makeDenial } from './reviews.ts';

function makeCluster(...configs: { name: string; issuer: string; audience: string }[]) {
  const calls: string[] = [];
  const ports: OidcConfigPorts = {
    listOidcConfigs: (namespace) => {
      calls.push(`list ${namespace}`);
      return Promise.resolve(configs);
    },
    clusterIssuer: 'https://cluster.example',
  };
  return { ports, calls };
}

const spec = { issuer: 'https://issuer.example', audience: 'builds' };
const denied = (...causes: { field: string; reason: string; message: string }[]) =>
  makeDenial({ kind: 'BuildKitOIDCConfig', name: 'ci' }, causes);
const allowed = { uid: 'review-1', allowed: true };

const duplicate = {
  field: 'spec.issuer',
  reason: 'FieldValueDuplicate',
  message: 'Duplicate value: "https://issuer.example": with this audience it is the issuer of "other"',
};

describe('an OIDC config', () => {
  it('is let in', async () => {
    const { ports, calls } = makeCluster();
    expect((await validateOidcConfig(makeConfigRequest(spec), ports)).response).toEqual(allowed);
    expect(calls).toEqual(['list tenant-a']);
  });

  it('is the one of its issuer and audience in its namespace', async () => {
    const { ports } = makeCluster({ name: 'other', ...spec });
    expect(await validateOidcConfig(makeConfigRequest(spec), ports)).toEqual(denied(duplicate));
  });

  it.each([
    { name: 'ci', ...spec },
    { name: 'other', ...spec, audience: 'deploys' },
    { name: 'other', ...spec, issuer: 'https://issuer.example/' },
  ])('is admitted beside %j', async (config) => {
    expect((await validateOidcConfig(makeConfigRequest(spec), makeCluster(config).ports)).response).toEqual(allowed);
  });

  it('is judged again where issuer or audience change, and only then', async () => {
    const { ports, calls } = makeCluster({ name: 'other', ...spec });
    const old = { ...spec, audience: 'deploys' };
    expect(await validateOidcConfig(makeConfigRequest(spec, old), ports)).toEqual(denied(duplicate));
    expect((await validateOidcConfig(makeConfigRequest({ ...spec, enabled: false }, spec), ports)).response).toEqual(
      allowed,
    );
    expect(calls).toHaveLength(1);
  });

  it('never names the issuer of the cluster', async () => {
    const request = makeConfigRequest({ ...spec, issuer: 'https://cluster.example' }, undefined, {
      namespace: 'buildkit-system',
    });
    expect(await validateOidcConfig(request, makeCluster().ports)).toEqual(
      denied({
        field: 'spec.issuer',
        reason: 'FieldValueForbidden',
        message: "Forbidden: is this cluster's own issuer, whose tokens count only when the apiserver says so",
      }),
    );
  });

  it.each(['http://issuer.example', 'https://10.0.0.1', 'https://keycloak.sso.svc'])(
    'may name %s in the namespace of the controller alone',
    async (issuer) => {
      const { ports } = makeCluster();
      const elsewhere = await validateOidcConfig(makeConfigRequest({ ...spec, issuer }), ports);
      expect(elsewhere).toEqual(
        denied({
          field: 'spec.issuer',
          reason: 'FieldValueInvalid',
          message: `Invalid value: "${issuer}": expected https and a public host outside the namespace buildkit-system`,
        }),
      );
      const request = makeConfigRequest({ ...spec, issuer }, undefined, { namespace: 'buildkit-system' });
      expect((await validateOidcConfig(request, ports)).response).toEqual(allowed);
    },
  );

  it('reads no Secret of another namespace', async () => {
    const foreign = { ...spec, clientSecretRef: { name: 's', namespace: 'tenant-b' } };
    const own = { ...spec, clientSecretRef: { name: 's', namespace: 'tenant-a' } };
    const { ports } = makeCluster();
    expect(await validateOidcConfig(makeConfigRequest(foreign), ports)).toEqual(
      denied({
        field: 'spec.clientSecretRef.namespace',
        reason: 'FieldValueInvalid',
        message: 'Invalid value: "tenant-b": must be the namespace of the config',
      }),
    );
    expect((await validateOidcConfig(makeConfigRequest(own), ports)).response).toEqual(allowed);
    const older = makeConfigRequest({ ...foreign, enabled: false }, foreign);
    expect((await validateOidcConfig(older, ports)).response).toEqual(allowed);
  });

  it('is refused with every fault at once', async () => {
    const bad = { issuer: 'http://issuer.example', audience: 'builds', clientSecretRef: { namespace: 'x' } };
    const { ports } = makeCluster({ name: 'other', issuer: bad.issuer, audience: bad.audience });
    const { status } = (await validateOidcConfig(makeConfigRequest(bad), ports)).response;
    expect(status?.details.causes?.map(({ reason }) => reason)).toEqual([
      'FieldValueInvalid',
      'FieldValueDuplicate',
      'FieldValueInvalid',
    ]);
  });

  describe('of an issuer that strangers share', () => {
    const shared = { ...spec, issuer: 'https://gitlab.com' };
    const judge = async (now: object, before?: object) =>
      (await validateOidcConfig(makeConfigRequest(now, before), makeCluster().ports)).response;

    it.each([
      ['https://token.actions.githubusercontent.com', 'repository_id or repository_owner_id or actor_id'],
      ['https://gitlab.com', 'project_id or namespace_id or user_id'],
      ['https://accounts.google.com', 'sub'],
    ])('binds a claim of %s', async (issuer, claims) => {
      const answer = await validateOidcConfig(makeConfigRequest({ ...spec, issuer }), makeCluster().ports);
      expect(answer).toEqual(
        denied({
          field: 'spec.boundClaims',
          reason: 'FieldValueRequired',
          message: `Required value: anybody can get a token of this issuer for any audience: bind ${claims}`,
        }),
      );
    });

    it('is let in with a claim that nobody else can get', async () => {
      const boundClaims = { project_id: ['7'], project_path: ['a/b'] };
      expect(await judge({ ...shared, boundClaims })).toEqual(allowed);
    });

    it('is warned of names alone, which others can register', async () => {
      expect(await judge({ ...shared, boundClaims: { namespace_path: ['a'], project_path: ['a/b'] } })).toEqual({
        ...allowed,
        warnings: [
          'spec.boundClaims: namespace_path, project_path: who is named can change, and another be named so; ' +
            'bind project_id or namespace_id or user_id',
        ],
      });
    });

    it('is warned where it is older than the rule, and changed elsewhere', async () => {
      expect(await judge({ ...shared, enabled: false }, shared)).toEqual({
        ...allowed,
        warnings: [
          'spec.boundClaims: no token of this issuer counts before one is bound: project_id or namespace_id or user_id',
        ],
      });
    });

    it('never loses its claims', async () => {
      expect((await judge(shared, { ...shared, boundClaims: { project_id: ['7'] } })).allowed).toBe(false);
    });
  });

  it('is left undecided where its namespace can not be listed', async () => {
    const ports = { ...makeCluster().ports, listOidcConfigs: () => Promise.reject(new Error('etcd is away')) };
    await expect(validateOidcConfig(makeConfigRequest(spec), ports)).rejects.toThrow('etcd is away');
  });
});

it('decides on anything', async () => {
  const { ports } = makeCluster();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (now, before) => {
      expect((await validateOidcConfig(makeConfigRequest(now, before), ports)).response.uid).toBe('review-1');
    }),
  );
});
