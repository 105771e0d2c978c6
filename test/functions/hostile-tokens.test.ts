/** Tokens that must not be worth anything, each with its exact answer. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encode, makeKey, signatureOf, signByHmac, signText, type SigningAlgorithm, type TestKey } from '../tokens.ts';
import { clusterIssuer, createIssuersWorld, type IssuersWorld, type TestConfig } from './issuers.ts';

const issuer = 'https://issuer.example';
const audience = 'builds';
const nowSeconds = Date.UTC(2026, 0, 1) / 1000;
const goodClaims = { iss: issuer, aud: audience, sub: 'alice', exp: nowSeconds + 300, iat: nowSeconds, jti: 'one' };

let rsa: TestKey;
let ec: TestKey;
let ed: TestKey;
let weak: TestKey;
let koblitz: TestKey;
let encryption: TestKey;
let pinned: TestKey;
let stranger: TestKey;
let foreign: TestKey;
let world: IssuersWorld;

beforeAll(() => {
  rsa = makeKey('rsa', 'rsa');
  ec = makeKey('p256', 'ec');
  ed = makeKey('ed', 'ed');
  weak = makeKey('weak', 'weak');
  koblitz = makeKey('k256', 'koblitz');
  encryption = makeKey('rsa', 'encryption', { use: 'enc' });
  pinned = makeKey('rsa', 'pinned', { alg: 'PS256' });
  stranger = makeKey('rsa', 'rsa');
  foreign = makeKey('rsa', 'foreign');
});

const publish = (of: IssuersWorld, at: string, keys: readonly unknown[]): void => {
  of.documents.set(`${at}/.well-known/openid-configuration`, JSON.stringify({ issuer: at, jwks_uri: `${at}/keys` }));
  of.documents.set(`${at}/keys`, JSON.stringify({ keys }));
};

beforeEach(() => {
  world = createIssuersWorld();
  const keys = [rsa, ec, ed, weak, koblitz, encryption, pinned].map(({ jwk }) => jwk);
  publish(world, issuer, [...keys, { kty: 'oct', kid: 'secret', k: encode('shared') }, 'no key', null]);
  publish(world, 'https://other.example', [foreign.jwk]);
  world.configs.push(
    { namespace: 'tenant-a', name: 'ci', spec: { issuer, audience } },
    { namespace: 'tenant-a', name: 'other', spec: { issuer: 'https://other.example', audience } },
    { namespace: 'tenant-b', name: 'clone', spec: { issuer, audience } },
    { namespace: 'tenant-c', name: 'own', spec: { issuer, audience: 'theirs' } },
  );
  world.pools.push({
    namespace: 'tenant-a',
    name: 'pool',
    access: { clients: { rules: [{ users: ['alice', 'oidc:*:alice', '*'] }] } },
  });
});

const make = (claims: object = {}, header: object = {}, key = rsa, alg: SigningAlgorithm = 'RS256'): string =>
  signText(
    JSON.stringify({ alg, kid: key.kid, ...header }),
    JSON.stringify({ ...goodClaims, ...claims }),
    key.privateKey,
    alg,
  );

/** The claims as text that is no object of JavaScript's. */
const makeRaw = (payload: string, header = JSON.stringify({ alg: 'RS256', kid: 'rsa' })): string =>
  signText(header, payload, rsa.privateKey, 'RS256');

const claimsText = (change: (text: string) => string): string => makeRaw(change(JSON.stringify(goodClaims)));
const withMember = (member: string) => (text: string) => text.replace(/^\{/, `{${member},`);
const replaceSegment = (index: number, change: (segment: string) => string): string =>
  make()
    .split('.')
    .map((segment, at) => (at === index ? change(segment) : segment))
    .join('.');

const unauthenticated = {
  status: 401,
  code: 'unauthenticated',
  body: {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    detail:
      'expected a bearer token for the audience buildkit.smrt-devops.net, or one of an OIDC issuer that counts here',
    code: 'unauthenticated',
    requestId: 'request-1',
  },
};

const forbidden = (...pools: string[]) => ({
  status: 403,
  code: 'pool_forbidden',
  body: {
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    detail: `not permitted to use these pools: ${pools.map((pool) => JSON.stringify(pool)).join(', ')}`,
    code: 'pool_forbidden',
    requestId: 'request-1',
  },
});

describe('a good token', () => {
  it.each<[SigningAlgorithm, () => TestKey]>([
    ['RS256', () => rsa],
    ['RS384', () => rsa],
    ['RS512', () => rsa],
    ['PS256', () => pinned],
    ['PS384', () => rsa],
    ['PS512', () => rsa],
    ['ES256', () => ec],
    ['EdDSA', () => ed],
    ['Ed25519', () => ed],
  ])('is issued to, by %s', async (alg, keyOf) => {
    expect((await world.ask(make({}, {}, keyOf(), alg))).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-a/ci:alice']);
    expect(world.logged).toMatchObject([
      {
        principal: 'oidc:tenant-a/ci:alice',
        issuerUid: 'uid-of-tenant-a-ci',
        outcome: 'issued',
        tokenId: 'sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
      },
    ]);
  });

  it.each<[string, () => string]>([
    ['several audiences', () => make({ aud: ['elsewhere', audience] })],
    ['the type at+jwt', () => make({}, { typ: 'at+jwt' })],
    ['the type jwt, in any case', () => make({}, { typ: 'Jwt' })],
    [
      'keys of its own in the header, which are not looked at',
      () =>
        make(
          {},
          { jwk: stranger.jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/crt', x5c: ['AA=='] },
        ),
    ],
    ['an end 59 s ago', () => make({ exp: nowSeconds - 59 })],
    ['a beginning in 60 s', () => make({ nbf: nowSeconds + 60, iat: nowSeconds + 60 })],
    ['an end in a fraction of a second', () => make({ exp: nowSeconds + 0.5 })],
  ])('may have %s', async (_, makeToken) => {
    expect((await world.ask(makeToken())).status).toBe(200);
    expect(world.fetched.every((url) => url.startsWith(`${issuer}/`))).toBe(true);
  });
});

describe('a hostile token is not issued to, with', () => {
  const pem = () => rsa.publicKey.export({ type: 'spki', format: 'pem' });
  it.each<[string, () => string]>([
    ['HS256 by the public key as PEM', () => signByHmac({ alg: 'HS256', kid: 'rsa' }, goodClaims, pem())],
    [
      'HS256 by the public key as PEM without its last newline',
      () => signByHmac({ alg: 'HS256', kid: 'rsa' }, goodClaims, pem().trim()),
    ],
    [
      'HS256 by the public key as DER',
      () => signByHmac({ alg: 'HS256', kid: 'rsa' }, goodClaims, rsa.publicKey.export({ type: 'spki', format: 'der' })),
    ],
    ['HS256 by the modulus', () => signByHmac({ alg: 'HS256', kid: 'rsa' }, goodClaims, String(rsa.jwk['n']))],
    ['HS256 by a symmetric key of the set', () => signByHmac({ alg: 'HS256', kid: 'secret' }, goodClaims, 'shared')],
    ['HS256 by an empty secret', () => signByHmac({ alg: 'HS256' }, goodClaims, '')],
    ['RS256 in the header over HS256', () => signByHmac({ alg: 'RS256', kid: 'rsa' }, goodClaims, pem())],
    ...['none', 'None', 'NONE', 'nOnE', 'none '].map((alg): [string, () => string] => [
      `alg ${JSON.stringify(alg)} and a signature`,
      () => make({}, { alg }),
    ]),
    ['alg none and no signature', () => `${encode({ alg: 'none' })}.${encode(goodClaims)}.`],
    ['alg none and no third part', () => `${encode({ alg: 'none' })}.${encode(goodClaims)}`],
    ['RS256 and no signature', () => replaceSegment(2, () => '')],
    ['no alg', () => make({}, { alg: undefined })],
    ['an alg in lower case', () => make({}, { alg: 'rs256' })],
    ['an alg that is a list', () => make({}, { alg: ['RS256'] })],
    ['an alg of the prototype', () => make({}, { alg: 'toString' })],
    ['RS1', () => make({}, { alg: 'RS1' })],
    ['ES256K', () => make({}, { alg: 'ES256K' }, koblitz, 'ES256')],
    ['ES256 by a key of another curve', () => make({}, { alg: 'ES256' }, koblitz, 'ES256')],
    ['ES256 in the header of an RSA key', () => make({}, { alg: 'ES256' })],
    ['PS256 in the header over RS256', () => make({}, { alg: 'PS256' })],
    ['RS256 by a key that is for PS256', () => make({}, {}, pinned)],
    ['a key that is for encryption', () => make({}, {}, encryption)],
    ['an RSA key of 1024 bits', () => make({}, {}, weak)],
    [
      'a DER signature for ES256',
      () => {
        const text = `${encode({ alg: 'ES256', kid: 'ec' })}.${encode(goodClaims)}`;
        const raw = signatureOf(text, ec.privateKey, 'ES256');
        return `${text}.${Buffer.concat([Buffer.from([0x30, 0x44, 2, 0x20]), raw.subarray(0, 32), Buffer.from([2, 0x20]), raw.subarray(32)]).toString('base64url')}`;
      },
    ],
    [
      'an ES256 signature of zeros',
      () => `${encode({ alg: 'ES256', kid: 'ec' })}.${encode(goodClaims)}.${Buffer.alloc(64).toString('base64url')}`,
    ],
    [
      'an Ed25519 signature of zeros',
      () => `${encode({ alg: 'EdDSA', kid: 'ed' })}.${encode(goodClaims)}.${Buffer.alloc(64).toString('base64url')}`,
    ],
    ["a stranger's key of the same id", () => make({}, {}, stranger)],
    ["a stranger's key in jwk", () => make({}, { jwk: stranger.jwk }, stranger)],
    ["a stranger's key in jwk and no kid", () => make({}, { kid: undefined, jwk: stranger.jwk }, stranger)],
    ["a stranger's key at jku", () => make({}, { jku: 'https://evil.example/keys' }, stranger)],
    ["a stranger's key at x5u", () => make({}, { x5u: 'https://evil.example/x' }, stranger)],
    [
      "a stranger's key in x5c",
      () =>
        make({}, { x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] }, stranger),
    ],
    ['no kid where several keys could be meant', () => make({}, { kid: undefined })],
    ['a kid of another key', () => make({}, { kid: 'pinned' })],
    ['a kid that is unknown', () => make({}, { kid: 'unknown' })],
    ['a kid that is a path', () => make({}, { kid: '../../../../dev/null' })],
    ['a kid that is a URL', () => make({}, { kid: 'https://evil.example/keys#rsa' })],
    ['a kid that is SQL', () => make({}, { kid: "rsa' OR '1'='1" })],
    ['a kid that is an object', () => make({}, { kid: { toString: 'rsa' } })],
    ['a kid that is a list', () => make({}, { kid: ['rsa'] })],
    ['a kid of 300 characters', () => make({}, { kid: 'x'.repeat(300) })],
    ['a kid of the prototype', () => make({}, { kid: '__proto__' })],
    ['crit', () => make({}, { crit: ['exp'], exp: nowSeconds + 300 })],
    ['an empty crit', () => make({}, { crit: [] })],
    ['crit that is null', () => make({}, { crit: null })],
    ['b64 false', () => make({}, { b64: false })],
    ['b64 false and critical', () => make({}, { b64: false, crit: ['b64'] })],
    ['zip', () => make({}, { zip: 'DEF' })],
    ['a nested JWT', () => makeRaw(make(), JSON.stringify({ alg: 'RS256', kid: 'rsa', cty: 'JWT' }))],
    ['a nested JWT that does not say so', () => makeRaw(make())],
    ['the type of a logout token', () => make({}, { typ: 'logout+jwt' })],
    ['a type that is a number', () => make({}, { typ: 1 })],
    ['exp twice', () => claimsText(withMember('"exp":9999999999'))],
    ['iss twice', () => claimsText(withMember('"iss":"https://evil.example"'))],
    ['sub twice, once in escapes', () => claimsText(withMember('"\\u0073ub":"bob"'))],
    ['a nested member twice', () => claimsText(withMember('"a":{"b":1,"b":2}'))],
    ['alg twice', () => makeRaw(JSON.stringify(goodClaims), '{"alg":"none","alg":"RS256","kid":"rsa"}')],
    ['claims nested too deeply', () => claimsText(withMember(`"a":${'['.repeat(20)}${']'.repeat(20)}`))],
    ['claims that are a list', () => makeRaw(JSON.stringify([goodClaims]))],
    ['claims that are a string', () => makeRaw('"alice"')],
    ['claims with a trailing comma', () => claimsText((text) => text.replace(/\}$/, ',}'))],
    ['claims with a comment', () => claimsText((text) => `/**/${text}`)],
    ['claims after a byte order mark', () => claimsText((text) => `\ufeff${text}`)],
    ['an issuer with a slash more', () => make({ iss: `${issuer}/` })],
    ['an issuer in capitals', () => make({ iss: 'https://ISSUER.example' })],
    ['an issuer with its port', () => make({ iss: `${issuer}:443` })],
    ['an issuer with a space', () => make({ iss: `${issuer} ` })],
    ['an issuer over http', () => make({ iss: 'http://issuer.example' })],
    ['an issuer in a list', () => make({ iss: [issuer] })],
    ['no issuer', () => make({ iss: undefined })],
    ["another issuer's key", () => make({}, {}, foreign)],
    ["another issuer's claims by this issuer's key", () => make({ iss: 'https://other.example' })],
    ['an audience that begins like ours', () => make({ aud: `${audience}-of-others` })],
    ['an audience in capitals', () => make({ aud: 'BUILDS' })],
    ['an audience with a comma', () => make({ aud: `${audience},other` })],
    ['an audience that is an object', () => make({ aud: { [audience]: true } })],
    ['audiences of which one is no text', () => make({ aud: [audience, 1] })],
    ['no audience', () => make({ aud: undefined })],
    ['an empty list of audiences', () => make({ aud: [] })],
    ['the audience of the controller', () => make({ aud: 'buildkit.smrt-devops.net' })],
    ['no end', () => make({ exp: undefined })],
    ['an end in words', () => make({ exp: String(nowSeconds + 300) })],
    ['an end that is null', () => make({ exp: null })],
    ['an end that is true', () => make({ exp: true })],
    ['an end at 1e400', () => claimsText((text) => text.replace(/"exp":\d+/, '"exp":1e400'))],
    ['an end at -1e400', () => claimsText((text) => text.replace(/"exp":\d+/, '"exp":-1e400'))],
    ['an end before all time', () => make({ exp: -1 })],
    ['an end at 0', () => make({ exp: 0 })],
    ['an end 60 s ago', () => make({ exp: nowSeconds - 60 })],
    ['a beginning in 61 s', () => make({ nbf: nowSeconds + 61 })],
    ['a beginning in words', () => make({ nbf: '0' })],
    ['a beginning that is null', () => make({ nbf: null })],
    ['made in 61 s', () => make({ iat: nowSeconds + 61 })],
    ['made at 1e400', () => claimsText((text) => text.replace(/"iat":\d+/, '"iat":1e400'))],
    ['no user', () => make({ sub: undefined })],
    ['an empty user', () => make({ sub: '' })],
    ['a user that is a list', () => make({ sub: ['alice'] })],
    ['a user that is an object', () => make({ sub: { toString: 'alice' } })],
    ['a user with a newline', () => make({ sub: 'alice\nroot' })],
    ['a user with a character of no width', () => make({ sub: 'ali\u200bce' })],
    ['a user of 513 characters', () => make({ sub: 'x'.repeat(513) })],
    ['padding', () => `${make()}==`],
    ['padding in the middle', () => replaceSegment(1, (segment) => `${segment}=`)],
    ['the other alphabet', () => replaceSegment(2, (segment) => `+/${segment.slice(2)}`)],
    [
      'stray bits in the last character',
      () => replaceSegment(2, (segment) => segment.slice(0, -1) + nextCharacter(segment.at(-1))),
    ],
    ['a newline', () => replaceSegment(1, (segment) => `${segment.slice(0, 8)}%0A${segment.slice(8)}`)],
    ['four parts', () => `${make()}.x`],
    ['five parts, as JWE has', () => `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AA.AA.AA.AA`],
    ['enc in the header', () => make({}, { enc: 'A256GCM' })],
    ['the JSON serialisation', () => JSON.stringify({ payload: encode(goodClaims), signatures: [] })],
    ['17 KiB', () => make({ pad: 'x'.repeat(17_000) })],
    [
      'the claims of another token of the issuer',
      () => `${make().split('.')[0] ?? ''}.${make({ sub: 'root' }).split('.')[1] ?? ''}.${make().split('.')[2] ?? ''}`,
    ],
    ["the cluster's issuer by a key of ours", () => make({ iss: clusterIssuer, aud: 'buildkit.smrt-devops.net' })],
  ])('%s', async (_, makeToken) => {
    expect(await world.ask(makeToken())).toEqual(unauthenticated);
    expect(world.issuedTo).toEqual([]);
    expect(world.fetched.filter((url) => url.includes('evil'))).toEqual([]);
  });
});

/** The next of the alphabet: the same bytes for who does not look closely. */
function nextCharacter(character = ''): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[(alphabet.indexOf(character) + 1) % 64] ?? '';
}

describe('a token of another config', () => {
  it('of the same issuer, which a tenant cloned, opens nothing of others', async () => {
    world.pools.push(
      { namespace: 'tenant-b', name: 'pool', access: { clients: { rules: [{ users: ['*'] }] } } },
      { namespace: 'tenant-d', name: 'pool', access: { clients: { rules: [{ users: ['oidc:*:*', '*'] }] } } },
    );
    expect((await world.ask(make(), ['tenant-b/pool'])).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-b/clone:alice']);
    expect(await world.ask(make(), ['tenant-d/pool'])).toEqual(forbidden('tenant-d/pool'));
    expect(await world.ask(make(), ['tenant-a/pool', 'tenant-b/pool'])).toEqual(forbidden('tenant-b/pool'));
  });

  it('of the same issuer for another audience is good for its own pools alone', async () => {
    world.pools.push({ namespace: 'tenant-c', name: 'pool', access: { clients: { rules: [{ users: ['*'] }] } } });
    const theirs = make({ aud: 'theirs' });
    expect((await world.ask(theirs, ['tenant-c/pool'])).status).toBe(200);
    expect(await world.ask(theirs)).toEqual(forbidden('tenant-a/pool'));
  });

  it('is let in by no right to a pool that does not trust its config', async () => {
    world.pools.push({ namespace: 'tenant-d', name: 'pool' }, { namespace: 'tenant-b', name: 'pool' });
    world.reviewed.add('oidc:tenant-b/clone:alice').add('oidc:tenant-a/ci:alice');
    expect((await world.ask(make(), ['tenant-b/pool'])).status).toBe(200);
    expect(await world.ask(make(), ['tenant-d/pool'])).toEqual(forbidden('tenant-d/pool'));
    const trust = { oidc: { configRefs: [{ name: 'ci', namespace: 'tenant-a' }] } };
    world.pools.splice(-2, 1, { namespace: 'tenant-d', name: 'pool', access: trust });
    world.clock.nowMs += 10_000;
    expect((await world.ask(make(), ['tenant-d/pool'])).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-b/clone:alice', 'oidc:tenant-a/ci:alice']);
  });

  it('is let in by no right and no rule to a pool that its claim leaves out', async () => {
    world.configs.splice(0, 1, {
      namespace: 'tenant-a',
      name: 'ci',
      spec: { issuer, audience, claimsMapping: { pools: 'pools' } },
    });
    world.reviewed.add('oidc:tenant-a/ci:alice');
    expect(await world.ask(make({ pools: ['other', 'tenant-b/*'] }))).toEqual(forbidden('tenant-a/pool'));
    expect(await world.ask(make())).toEqual(forbidden('tenant-a/pool'));
    expect((await world.ask(make({ pools: ['tenant-a/*'] }))).status).toBe(200);
  });

  it('of a pool itself is let in there alone, though another has a rule for it', async () => {
    const inline = [{ issuer: 'https://inline.example', audience }];
    const access = { clients: { rules: [{ users: ['*', 'oidc:*:*'] }] } };
    publish(world, 'https://inline.example', [rsa.jwk]);
    world.pools.push(
      { namespace: 'tenant-d', name: 'own', access: { ...access, oidc: { inline } } },
      { namespace: 'tenant-d', name: 'beside', access },
    );
    const token = make({ iss: 'https://inline.example' });
    expect((await world.ask(token, ['tenant-d/own'])).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-d/own/inline:alice']);
    expect(await world.ask(token, ['tenant-d/beside'])).toEqual(forbidden('tenant-d/beside'));
    expect(await world.ask(token, ['tenant-d/own', 'tenant-d/beside'])).toEqual(forbidden('tenant-d/beside'));
    expect((await world.ask(token, ['own'])).status).toBe(400);
  });

  it('gets the same answer as for a pool that does not exist', async () => {
    expect(await world.ask(make(), ['tenant-d/nothing'])).toEqual(forbidden('tenant-d/nothing'));
    expect(await world.ask(make({}, {}, stranger), ['tenant-d/nothing'])).toEqual(unauthenticated);
  });

  const atSystem = (of: string) => ({ namespace: 'buildkit-system', name: of, spec: { issuer, audience: of } });
  const api = '/apis/buildkit.smrt-devops.net/v1beta1/namespaces/tenant-d/buildkitpools';
  const look = [`GET ${api}/pool`, 'REVIEW tenant-d/pool'];
  const listing = (...configRefs: object[]) => ({ oidc: { configRefs } });
  const sameIssuer: [string, object][] = [
    ['lists a config of the same issuer', listing({ name: 'clone', namespace: 'tenant-b' })],
  ];

  describe.each<[string, readonly TestConfig[], readonly string[]]>([
    ['that no pool trusts unasked', [], look],
    ['that every pool trusts which lists none', [atSystem(audience)], look],
    ['and of another one, which are both trusted so', [atSystem(audience), atSystem('more')], [...look, ...look]],
  ])('%s', (_, configs, calls) => {
    it.each<[string, object | undefined]>([
      ['is not there', undefined],
      ['lists no config', {}],
      ['lists a config that is not there', listing({ name: 'nothing' })],
      ['lists a config of another issuer', listing({ name: 'other', namespace: 'tenant-a' })],
      ['names an issuer itself', { oidc: { inline: [{ issuer: 'https://inline.example', audience }] } }],
      ...sameIssuer.slice(configs.length > 1 ? 1 : 0),
    ])('is refused alike when a pool %s, after the same calls', async (_, access) => {
      world.configs.push(...configs);
      if (access !== undefined) world.pools.push({ namespace: 'tenant-d', name: 'pool', access });
      expect(await world.ask(make({ aud: [audience, 'more'] }), ['tenant-d/pool'])).toEqual(forbidden('tenant-d/pool'));
      expect(world.calls.slice(2)).toEqual(calls);
    });
  });

  it('makes a bare name mean nothing where several verify it', async () => {
    const { status, body } = await world.ask(make(), ['pool']);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'invalid_request',
      errors: [
        { field: 'pools[0]', expected: '<namespace>/<pool>, since no namespace follows from the token', got: '"pool"' },
      ],
    });
    expect(await world.ask(make({}, {}, stranger), ['pool'])).toEqual(unauthenticated);
    expect((await world.ask(make({ iss: 'https://other.example' }, {}, foreign), ['pool'])).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-a/other:alice']);
  });
});

describe('while one of the configs that may verify a token cannot be asked', () => {
  const clone = { namespace: 'tenant-b', name: 'clone', spec: { issuer, audience } };
  const unavailable = { status: 503, code: 'unavailable' };

  /** Makes the keys of these configs known, and those of all that come later not to be had. */
  async function knowOnly(...configs: readonly TestConfig[]): Promise<void> {
    const all = world.configs.splice(0);
    world.configs.push(...configs);
    for (const { namespace } of configs) await world.ask(make(), [`${namespace}/pool`]);
    world.documents.clear();
    world.configs.splice(0, configs.length, ...all);
    world.clock.nowMs += 10_000;
    world.issuedTo.length = 0;
  }

  it.each<[string, () => TestConfig]>([
    ["its owner's, and a stranger's can", () => clone],
    ["a stranger's, and its owner's can", () => ({ namespace: 'tenant-a', name: 'ci', spec: { issuer, audience } })],
  ])('a bare name means no namespace: it is %s', async (_, makeKnown) => {
    const access = { clients: { rules: [{ users: ['*', 'oidc:*:*'] }] } };
    world.pools.push({ namespace: 'tenant-b', name: 'pool', access });
    const known = makeKnown();
    await knowOnly(known);
    expect(await world.ask(make(), ['pool'])).toMatchObject(unavailable);
    expect(world.issuedTo).toEqual([]);
    world.configs.splice(0, world.configs.length, known);
    world.clock.nowMs += 10_000;
    expect((await world.ask(make(), ['pool'])).status).toBe(200);
  });

  it('nobody is let in by one name who may be revoked by another', async () => {
    const configRefs = [{ name: 'ci' }, { name: 'clone', namespace: 'tenant-b' }];
    const revokedPrincipals = [{ principal: 'oidc:tenant-b/clone:alice', before: '2027-01-01T00:00:00Z' }];
    const access = { clients: { rules: [{ users: ['alice'] }] }, oidc: { configRefs }, revokedPrincipals };
    world.pools.splice(0, 1, { namespace: 'tenant-a', name: 'pool', access });
    const documents = new Map(world.documents);
    const [ci = clone] = world.configs;
    await knowOnly(ci);
    expect(await world.ask(make())).toMatchObject(unavailable);
    for (const [url, text] of documents) world.documents.set(url, text);
    world.clock.nowMs += 30_000;
    expect(await world.ask(make())).toEqual(forbidden('tenant-a/pool'));
    expect(world.issuedTo).toEqual([]);
  });

  it('a bare name is ambiguous all the same where two others verify it', async () => {
    const [ci = clone] = world.configs;
    world.configs.push({ namespace: 'tenant-e', name: 'clone', spec: { issuer, audience } });
    await knowOnly(ci, clone);
    expect((await world.ask(make(), ['pool'])).status).toBe(400);
  });
});

describe('an issuer that hundreds of tenants name', () => {
  beforeEach(() => {
    for (let index = 0; index < 300; index += 1) {
      const createdAt = '2024-01-01T00:00:00Z';
      world.configs.push({ namespace: `crowd-${index}`, name: 'ci', spec: { issuer, audience }, createdAt });
    }
  });

  it('vouches for pools that trust one of them, and costs no more', async () => {
    expect((await world.ask(make())).status).toBe(200);
    expect(world.issuedTo).toEqual(['oidc:tenant-a/ci:alice']);
    expect(world.fetched).toHaveLength(2);
  });

  it('causes at most 16 verifications, for a token that is good nowhere', async () => {
    expect(await world.ask(make({}, {}, stranger))).toEqual(unauthenticated);
    expect(world.fetched.length).toBeLessThanOrEqual(2 * 17);
    expect(await world.ask(make(), ['tenant-d/pool'])).toEqual(forbidden('tenant-d/pool'));
  });

  it('means no namespace by a bare name, not even when one of those that are tried is alone', async () => {
    const [first] = world.configs.splice(0);
    world.configs.push(...(first === undefined ? [] : [first]));
    for (let index = 0; index < 16; index += 1) {
      const spec = { issuer, audience, claimsMapping: { user: 'nothing' } };
      world.configs.push({ namespace: `crowd-${index}`, name: 'ci', spec, createdAt: '2026-01-01T00:00:00Z' });
    }
    expect((await world.ask(make(), ['pool'])).status).toBe(400);
    world.configs.pop();
    world.clock.nowMs += 10_000;
    expect((await world.ask(make(), ['pool'])).status).toBe(200);
  });
});

describe('what it costs', () => {
  it('is one list of the configs in 10 s, for tokens of issuers that nobody names', async () => {
    for (let index = 0; index < 50; index += 1) {
      await world.ask(make({ iss: `https://nobody-${index}.example` }));
    }
    expect(world.fetched).toEqual([]);
    expect(world.calls).toHaveLength(2);
    world.clock.nowMs += 10_000;
    await world.ask(make({ iss: 'https://nobody.example' }));
    expect(world.calls).toHaveLength(4);
  });

  it('is one fetch in 30 s of each config, for a flood of unknown key ids', async () => {
    const keys = `${issuer}/keys`;
    const count = () => world.fetched.filter((url) => url === keys).length;
    for (let index = 0; index < 50; index += 1) await world.ask(make({}, { kid: `unknown-${index}` }));
    // Those of the pool's own config, and of the clone, which might vouch for it elsewhere.
    expect(count()).toBe(2);
    world.clock.nowMs += 29_999;
    await world.ask(make({ exp: nowSeconds + 300 }, { kid: 'unknown' }));
    expect(count()).toBe(2);
    world.clock.nowMs += 1;
    await world.ask(make({}, { kid: 'unknown' }));
    expect(count()).toBe(4);
  });

  it('allows a new key at once when the last fetch was 30 s ago', async () => {
    await world.ask(make());
    world.clock.nowMs += 30_000;
    const next = makeKey('p256', 'next');
    publish(world, issuer, [next.jwk]);
    expect((await world.ask(make({}, {}, next, 'ES256'))).status).toBe(200);
    expect((await world.ask(make())).status).toBe(401);
  });

  it('is an answer 503 where the keys can not be fetched now', async () => {
    world.documents.clear();
    const { status, code } = await world.ask(make());
    expect([status, code]).toEqual([503, 'unavailable']);
  });
});
