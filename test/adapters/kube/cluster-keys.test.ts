import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeError, type KubeClient } from '../../../adapters/kube/client.ts';
import { createClusterTokenCheck } from '../../../adapters/kube/cluster-keys.ts';
import { parseToken, type ParsedToken } from '../../../core/tokens/parse.ts';
import { encode, makeKey, signText, type TestKey } from '../../tokens.ts';

const [own, next, foreign] = [makeKey('rsa', 'own'), makeKey('p256', 'next'), makeKey('rsa', 'own')];
const currentIssuer = 'https://kubernetes.default.svc';
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cluster-keys-'));
  await mountToken(currentIssuer);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const mountToken = (iss: string) =>
  writeFile(join(folder, 'token'), `${encode({ alg: 'RS256' })}.${encode({ iss })}.c2ln`);

function makeToken(key: TestKey, iss: string = currentIssuer): ParsedToken {
  const alg = key === next ? 'ES256' : 'RS256';
  const parsed = parseToken(
    signText(JSON.stringify({ alg, kid: key.kid }), JSON.stringify({ iss }), key.privateKey, alg),
  );
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** An apiserver that publishes these keys, until it is told others. */
function createWorld(...published: readonly TestKey[]) {
  const world = { published, isAway: false, calls: [] as string[], nowMs: 0 };
  const kube: KubeClient = {
    call: ({ path }) => {
      world.calls.push(path);
      if (world.isAway) return Promise.reject(new KubeError(403, 'Forbidden', 'no'));
      return Promise.resolve({ keys: world.published.map(({ jwk }) => jwk) });
    },
    lines: () => {
      throw new Error('no watch here');
    },
    close: () => undefined,
  };
  const check = createClusterTokenCheck(kube, { accountFolder: folder, now: () => world.nowMs });
  return Object.assign(world, { check });
}

describe('a token is of this cluster', () => {
  it('when one of its keys has signed it, whatever issuer it names', async () => {
    const { check } = createWorld(own);
    expect(await check(makeToken(own), true)).toBe(true);
    expect(await check(makeToken(own, 'https://former.example'), true)).toBe(true);
  });

  it('when a key has signed it that is newer than those that are known, without a restart', async () => {
    const world = createWorld(own);
    expect(await world.check(makeToken(next), true)).toBe(false);
    world.published = [own, next];
    world.nowMs = 30_000;
    expect(await world.check(makeToken(next), true)).toBe(true);
    expect(await world.check(makeToken(own), true)).toBe(true);
  });

  it('when it names the issuer of our own token, while the keys cannot be had', async () => {
    const world = createWorld(own);
    world.isAway = true;
    expect(await world.check(makeToken(foreign), true)).toBe(true);
    expect(await world.check(makeToken(own, 'https://former.example'), true)).toBe(false);
    await mountToken('https://former.example');
    world.nowMs = 10_000;
    expect(await world.check(makeToken(own, 'https://former.example'), true)).toBe(true);
    expect(world.calls).toHaveLength(1);
    world.nowMs = 30_000;
    await world.check(makeToken(own), true);
    expect(world.calls).toHaveLength(2);
  });
});

describe('a token is not of this cluster', () => {
  it('when another key has signed it under the id of one of its own', async () => {
    expect(await createWorld(own).check(makeToken(foreign), true)).toBe(false);
  });

  it('when its signature was changed', async () => {
    const token = makeToken(own);
    const text = `${token.text.slice(0, -4)}AAAA`;
    expect(await createWorld(own).check({ ...token, text }, true)).toBe(false);
  });
});

describe('the apiserver is asked for its keys', () => {
  it('once in 30 s, however many tokens name keys that are not there', async () => {
    const world = createWorld(own);
    for (let count = 0; count < 100; count++) await world.check(makeToken({ ...own, kid: `k${count}` }), true);
    expect(world.calls).toEqual(['/openid/v1/jwks']);
    world.nowMs = 29_999;
    await world.check(makeToken(next), true);
    expect(world.calls).toHaveLength(1);
    world.nowMs = 30_000;
    await world.check(makeToken(next), true);
    expect(world.calls).toHaveLength(2);
  });

  it('once by all who wait for them', async () => {
    const world = createWorld(own);
    const token = makeToken(own);
    expect(await Promise.all([world.check(token, true), world.check(token, true)])).toEqual([true, true]);
    expect(world.calls).toHaveLength(1);
  });

  it('not at all for a token that is refused anyway', async () => {
    const world = createWorld(own);
    await world.check(makeToken(own), true);
    world.nowMs = 60_000;
    await world.check(makeToken(next), false);
    expect(world.calls).toHaveLength(1);
  });

  it('and known keys stay valid while it does not answer', async () => {
    const world = createWorld(own);
    await world.check(makeToken(own), true);
    world.isAway = true;
    world.nowMs = 60_000;
    expect(await world.check(makeToken(next), true)).toBe(false);
    expect(await world.check(makeToken(own), true)).toBe(true);
  });
});
