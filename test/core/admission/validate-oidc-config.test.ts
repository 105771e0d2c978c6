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
  ])('is no twin of %j', async (config) => {
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

  it('hears of all that is wrong at once', async () => {
    const bad = { issuer: 'http://issuer.example', audience: 'builds', clientSecretRef: { namespace: 'x' } };
    const { ports } = makeCluster({ name: 'other', issuer: bad.issuer, audience: bad.audience });
    const { status } = (await validateOidcConfig(makeConfigRequest(bad), ports)).response;
    expect(status?.details.causes?.map(({ reason }) => reason)).toEqual([
      'FieldValueInvalid',
      'FieldValueDuplicate',
      'FieldValueInvalid',
    ]);
  });

  it.each(['https://token.actions.githubusercontent.com', 'https://gitlab.com', 'https://accounts.google.com'])(
    'warns of %s, whose tokens anybody gets',
    async (issuer) => {
      const answer = await validateOidcConfig(makeConfigRequest({ ...spec, issuer }), makeCluster().ports);
      expect(answer.response).toEqual({
        ...allowed,
        warnings: [
          'spec.issuer: anybody can get a token of this issuer for any audience: name in access.clients.rules who may build',
        ],
      });
    },
  );

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
