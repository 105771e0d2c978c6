import { describe, expect, it } from 'vitest';
import { isSharedIssuer, judgeIssuer } from '../../../core/oidc/issuer.ts';

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

describe('isSharedIssuer', () => {
  it.each(['https://gitlab.com', 'https://token.actions.githubusercontent.com/enterprise'])('knows %s', (issuer) => {
    expect(isSharedIssuer(issuer)).toBe(true);
  });
  it.each(['https://gitlab.com.example', 'https://gitlab.example'])('does not take %s for one', (issuer) => {
    expect(isSharedIssuer(issuer)).toBe(false);
  });
});
