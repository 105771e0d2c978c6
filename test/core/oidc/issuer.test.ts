import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isOpenToStrangers, judgeIssuer, lastingClaimsOf, sharedIssuers } from '../../../core/oidc/issuer.ts';

const namer = { namespace: 'tenant-a', clusterIssuer: 'https://kubernetes.default.svc' };

describe('judgeIssuer', () => {
  it.each(['https://issuer.example', 'https://issuer.example:8443/realms/ci'])('accepts %s', (issuer) => {
    expect(judgeIssuer(issuer, namer)).toBeUndefined();
  });

  it('refuses what is not a URL', () => {
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
    ['https://agent.buildkite.com', ['organization_id', 'pipeline_id', 'cluster_id']],
    ['https://app.terraform.io', ['terraform_organization_id', 'terraform_project_id', 'terraform_workspace_id']],
  ])('knows %s, which strangers share', (issuer, claims) => {
    expect(lastingClaimsOf(issuer)).toEqual(claims);
  });
  it('stands in docs/trust.md', async () => {
    const page = await readFile('docs/trust.md', 'utf8');
    for (const [issuer, claims] of Object.entries(sharedIssuers))
      expect(page).toContain(`| \`${issuer}\` | ${claims.map((claim) => `\`${claim}\``).join(', ')} |`);
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
    [true, { ...shared, boundClaims: { iss: [shared.issuer], aud: ['builds'] } }],
    [true, { ...shared, boundClaims: { jti: ['1'] } }],
    [false, { ...shared, boundClaims: { iss: [shared.issuer], project_id: ['7'] } }],
    [true, { issuer: 'https://agent.buildkite.com', audience: 'builds' }],
    [false, { issuer: 'https://agent.buildkite.com.example', audience: 'builds' }],
    [true, { issuer: shared.issuer, audience: shared.audience }],
    [false, { issuer: 'https://issuer.example', audience: 'builds' }],
  ])('is %s of %j', (is, claimed) => {
    expect(isOpenToStrangers(claimed)).toBe(is);
  });
});
