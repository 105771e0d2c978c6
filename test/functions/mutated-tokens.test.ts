/** Tokens that are nearly good, and tokens that are nothing. PROPERTY_RUNS says how many. */
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encode, makeKey, signText } from '../tokens.ts';
import { clusterIssuer, createIssuersWorld, type IssuersWorld } from './issuers.ts';

const issuer = 'https://issuer.example';
const nowSeconds = Date.UTC(2026, 0, 1) / 1000;
const claims = JSON.stringify({ iss: issuer, aud: 'builds', sub: 'alice', exp: nowSeconds + 300, jti: 'one' });

let good: readonly string[];
let keys: readonly unknown[];
let world: IssuersWorld;

beforeAll(() => {
  const [rsa, ec, ed] = [makeKey('rsa', 'rsa'), makeKey('p256', 'ec'), makeKey('ed', 'ed')];
  keys = [rsa.jwk, ec.jwk, ed.jwk];
  good = [
    signText('{"alg":"RS256","kid":"rsa"}', claims, rsa.privateKey, 'RS256'),
    signText('{"alg":"PS256","kid":"rsa"}', claims, rsa.privateKey, 'PS256'),
    signText('{"alg":"ES256","kid":"ec"}', claims, ec.privateKey, 'ES256'),
    signText('{"alg":"EdDSA","kid":"ed"}', claims, ed.privateKey, 'EdDSA'),
  ];
});

beforeEach(() => {
  world = createIssuersWorld();
  const discovery = { issuer, jwks_uri: `${issuer}/keys` };
  world.documents.set(`${issuer}/.well-known/openid-configuration`, JSON.stringify(discovery));
  world.documents.set(`${issuer}/keys`, JSON.stringify({ keys }));
  world.configs.push({ namespace: 'tenant-a', name: 'ci', spec: { issuer, audience: 'builds' } });
  world.pools.push({ namespace: 'tenant-a', name: 'pool', access: { clients: { rules: [{ users: ['*'] }] } } });
});

/** Of 64 KiB of tokens nothing may be kept: the lists of the world are for few. */
const forget = (): void => {
  for (const list of [world.calls, world.fetched, world.logged]) list.length = 0;
};

const text = (from: string): fc.Arbitrary<string> => fc.nat(from.length - 1).map((at) => from.charAt(at));
const anyCharacter = fc.oneof(
  text('ABCDEFabcdef0123456789-_.=+/ {}[]":,\\'),
  fc.string({ minLength: 1, maxLength: 3 }),
);

/** One to four changes anywhere: a character replaced, put in, taken out, or two places swapped. */
const change = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'delete', 'swap', 'cut'),
  at: fc.nat(),
  to: fc.nat(),
  character: anyCharacter,
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function mutate(from: string, { kind, at, to, character }: Change): string {
  const index = at % (from.length + 1);
  const other = to % (from.length + 1);
  if (kind === 'insert') return from.slice(0, index) + character + from.slice(index);
  if (kind === 'delete') return from.slice(0, index) + from.slice(index + 1);
  if (kind === 'replace') return from.slice(0, index) + character + from.slice(index + 1);
  if (kind === 'cut') return from.slice(0, Math.max(index, other));
  const [low, high] = [Math.min(index, other), Math.max(index, other)];
  return from.slice(0, low) + from.slice(high) + from.slice(low, high);
}

/** Changes of the text inside of a segment, which stays base64url. */
const mutateInside = (token: string, segment: number, one: Change): string =>
  token
    .split('.')
    .map((part, index) =>
      index === segment ? encode(mutate(Buffer.from(part, 'base64url').toString('latin1'), one)) : part,
    )
    .join('.');

const mutated = fc
  .tuple(fc.nat(3), fc.nat(5), fc.array(change, { minLength: 1, maxLength: 4 }))
  .map(([which, segment, changes]) => {
    const token = good[which] ?? '';
    return changes.reduce((from, one) => (segment < 3 ? mutateInside(from, segment, one) : mutate(from, one)), token);
  });

/** What a header can carry is asked of the app; the rest no server would let through. */
const isHeader = (token: string): boolean => /^[\x21-\x7e]*$/.test(token);

describe('a token', () => {
  it('that is good is issued to', async () => {
    for (const token of good) expect((await world.ask(token)).status).toBe(200);
  });

  it('with anything changed is issued to nobody, and ends nothing', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (token) => {
        fc.pre(!good.includes(token) && isHeader(token));
        expect((await world.ask(token)).status).toBe(401);
        expect(world.issuedTo).toEqual([]);
        forget();
      }),
    );
  });
});

/** Parts that are JSON, claims that are nearly a token of the cluster or of an issuer, and plain noise. */
const member = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.array(fc.string()));
const garbage = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.array(fc.base64String({ maxLength: 60 }), { maxLength: 6 }).map((parts) => parts.join('.')),
  fc
    .tuple(
      fc.record({ alg: fc.constantFrom('none', 'RS256', 'HS256', 'ES256', 'x'), kid: member }, { requiredKeys: [] }),
      fc.record(
        {
          iss: fc.constantFrom(clusterIssuer, issuer),
          aud: fc.constantFrom('other', 'https://kubernetes.default.svc', '', ['other']),
          exp: fc.oneof(fc.constant(nowSeconds - 100), fc.string(), fc.constant(null)),
          sub: member,
        },
        { requiredKeys: ['exp'] },
      ),
      fc.base64String({ maxLength: 40 }),
    )
    .map(([header, payload, signature]) => `${encode(header)}.${encode(payload)}.${signature.replace(/=+$/, '')}`),
);

describe('garbage', () => {
  it('costs the apiserver nothing', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (token) => {
        fc.pre(isHeader(token));
        expect((await world.ask(token)).status).toBe(401);
        expect(world.calls).toEqual([]);
        expect(world.fetched).toEqual([]);
        world.logged.length = 0;
      }),
    );
  });
});
