import { describe, expect, it } from 'vitest';
import { isOpenToStrangers, judgeIssuer, lastingClaimsOf } from '../../../core/oidc/issuer.ts';

const namer = { namespace: 'tenant-a', clusterIssuer: 'https://kubernetes.default.svc' };

describe('judgeIssuer', () => {
  it.each(['https://issuer.example', 'https://issuer.example:8443/realms/ci'])('has nothing against %s', (issuer) => {
    expect(judgeIssuer(issuer, namer)).toBeUndefined();
  });

  it('is strict about what is no URL', () => {
    expect(judgeIssuer('https://[', namer)).toBe('Invalid value: "https://[": expected a URL');
  });

  it('refuses the issuer of the cluster before all else', () => {
    const message = "Forbidden: is this cluster's own issuer, whose tokens count only when the apiserver says so";
    expect(judgeIssuer(namer.clusterIssuer, namer)).toBe(message);
    expect(judgeIssuer(namer.clusterIssuer, { ...namer, namespace: 'buildkit-system' })).toBe(message);
  });
});

describe('lastingClaimsOf', () => {
  it.each([
    ['https://gitlab.com', ['project_id', 'namespace_id', 'user_id']],
    ['https://accounts.google.com', ['sub']],
    ['https://token.actions.githubusercontent.com/enterprise', ['repository_id', 'repository_owner_id', 'actor_id']],
  ])('knows %s, which strangers share', (issuer, claims) => {
    expect(lastingClaimsOf(issuer)).toEqual(claims);
  });
  it.each(['https://gitlab.com.example', 'https://gitlab.example'])("takes %s for its namer's own", (issuer) => {
    expect(lastingClaimsOf(issuer)).toBeUndefined();
  });
});

describe('isOpenToStrangers', () => {
  const shared = { issuer: 'https://gitlab.com', audience: 'builds', boundClaims: { project_id: ['7'] } };
  it.each([
    [false, shared],
    [true, { ...shared, audience: '' }],
    [true, { ...shared, boundClaims: {} }],
    [true, { issuer: shared.issuer, audience: shared.audience }],
    [false, { issuer: 'https://issuer.example', audience: 'builds' }],
  ])('is %s of %j', (is, claimed) => {
    expect(isOpenToStrangers(claimed)).toBe(is);
  });
});
