import { describe, expect, it } from 'vitest';
import { KubeError, type KubeCall, type KubeClient } from '../../../adapters/kube/client.ts';
import type { IsClusterToken } from '../../../adapters/kube/cluster-keys.ts';
import { createTokenReviewer } from '../../../adapters/kube/token-review.ts';

const audience = 'buildkit.smrt-devops.net';
const issuer = 'https://kubernetes.default.svc';
const user = { username: 'system:serviceaccount:tenant-a:default', uid: 'u' };
const principal = { user };
const authenticated = { status: { authenticated: true, audiences: [audience], user } };

const toSegment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const makeToken = (claims: object = {}): string =>
  `${toSegment({ alg: 'RS256' })}.${toSegment({ iss: issuer, aud: [audience], exp: 1_000, ...claims })}.c2ln`;

const isClusterToken: IsClusterToken = ({ claims }) => Promise.resolve(claims['iss'] === issuer);

/** A reviewer before an apiserver that gives these answers in turn, the last one for ever. */
function createWorld(...answers: readonly unknown[]) {
  const calls: KubeCall[] = [];
  const clock = { nowMs: 0 };
  const kube: KubeClient = {
    call: (call) => {
      const answer = answers[Math.min(calls.push(call), answers.length) - 1];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    lines: () => {
      throw new Error('no watch here');
    },
    close: () => undefined,
  };
  return { review: createTokenReviewer(kube, { audience, isClusterToken, now: () => clock.nowMs }), calls, clock };
}

describe('a token', () => {
  it('is its user after a review for our audience', async () => {
    const { review, calls } = createWorld(authenticated);
    const token = makeToken();
    expect(await review(token)).toEqual(principal);
    expect(calls).toEqual([
      {
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token, audiences: [audience] },
        },
      },
    ]);
  });

  it('has an id in the audit log that reveals nothing of the token', async () => {
    const extra = { 'authentication.kubernetes.io/credential-id': ['JTI=5b2c'] };
    const { review } = createWorld({
      status: { authenticated: true, audiences: [audience], user: { ...user, extra } },
    });
    const hash = 'sha256:f97a24a09eb045ab5b267e8ee9607b9f9f90937539c1d9d762d387ebafc6366c';
    expect(await review(makeToken())).toEqual({ user: { ...user, extra }, tokenId: hash });
  });

  it.each([
    ['it is not authenticated', { status: { authenticated: false, audiences: [audience], user } }],
    ['another audience came back', { status: { authenticated: true, audiences: [issuer], user } }],
    ['no audience came back', { status: { authenticated: true, user } }],
    ['there is no status', {}],
  ])('is refused when %s', async (_, answer) => {
    expect(await createWorld(answer).review(makeToken())).toBeUndefined();
  });

  it.each([
    ['of another issuer', makeToken({ iss: 'https://elsewhere' })],
    ['for another audience', makeToken({ aud: [issuer] })],
    ['that has ended', makeToken({ exp: 0 })],
    ['that is none', 'garbage'],
  ])('is refused without a call to the apiserver: %s', async (_, token) => {
    const { review, calls } = createWorld(authenticated);
    expect(await review(token)).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe('a verdict', () => {
  it('is shared by those who ask at the same time, and remembered for 10 s', async () => {
    const { review, calls, clock } = createWorld(authenticated);
    const token = makeToken();
    expect(await Promise.all([review(token), review(token), review(token)])).toEqual([principal, principal, principal]);
    clock.nowMs = 9_999;
    await review(token);
    expect(calls).toHaveLength(1);
    clock.nowMs = 10_000;
    await review(token);
    expect(calls).toHaveLength(2);
  });

  it('is forgotten when its token expires', async () => {
    const { review, clock } = createWorld(authenticated);
    const token = makeToken({ exp: 5 });
    expect(await review(token)).toEqual(principal);
    clock.nowMs = 5_000;
    expect(await review(token)).toBeUndefined();
  });

  it('belongs to one token: a second token is reviewed itself', async () => {
    const { review } = createWorld(authenticated, { status: { authenticated: false } });
    expect(await review(makeToken({ jti: '1' }))).toEqual(principal);
    expect(await review(makeToken({ jti: '2' }))).toBeUndefined();
  });

  it('that failed is asked for again by the next request', async () => {
    const { review } = createWorld(new KubeError(0, 'Unreachable', 'apiserver unreachable'), authenticated);
    await expect(review(makeToken())).rejects.toThrow('apiserver unreachable');
    expect(await review(makeToken())).toEqual(principal);
  });

  it('is forgotten, the oldest first, when there are too many', async () => {
    const { review, calls } = createWorld(authenticated);
    for (let jti = 0; jti <= 4_096; jti++) await review(makeToken({ jti }));
    await review(makeToken({ jti: 4_096 }));
    expect(calls).toHaveLength(4_097);
    await review(makeToken({ jti: 0 }));
    expect(calls).toHaveLength(4_098);
  });
});
