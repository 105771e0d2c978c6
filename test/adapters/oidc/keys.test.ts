import { describe, expect, it } from 'vitest';
import type { FetchDocument } from '../../../adapters/oidc/fetch.ts';
import { createIssuerKeys } from '../../../adapters/oidc/keys.ts';
import type { FetchFault } from '../../../core/oidc/fetch-fault.ts';
import type { TrustedIssuer } from '../../../core/oidc/trusted-issuer.ts';
import { err, ok, type Result } from '../../../core/result.ts';

const issuer = 'https://issuer.example';
const discoveryPath = '/.well-known/openid-configuration';

const make = (id = 'u/1', namespace = 'tenant-a', at = issuer): TrustedIssuer => ({
  id,
  by: { kind: 'config', namespace, name: 'ci', uid: 'u' },
  terms: { issuer: at, audience: 'builds' },
  mayBePrivate: false,
});

/** Documents by URL; what is not there cannot be reached. */
function createWorld(documents: Record<string, Result<string, FetchFault>> = {}) {
  const fetched: string[] = [];
  const clock = { nowMs: 0 };
  const known: Record<string, Result<string, FetchFault>> = {
    [`${issuer}${discoveryPath}`]: ok(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` })),
    [`${issuer}/keys`]: ok('{"keys":[{"kid":"a"}]}'),
    ...documents,
  };
  const ends: (() => void)[] = [];
  const hang = {
    isOn: false,
    end: () => {
      hang.isOn = false;
      for (const end of ends.splice(0)) end();
    },
  };
  const fetchDocument: FetchDocument = async (url) => {
    fetched.push(url.href);
    if (hang.isOn) await new Promise<void>((end) => ends.push(end));
    return await Promise.resolve(known[url.href] ?? err('unreachable'));
  };
  return { keys: createIssuerKeys(fetchDocument, () => clock.nowMs), fetched, clock, known, hang };
}

describe('keys', () => {
  it('are read once, by all who ask, and again after 10 minutes', async () => {
    const { keys, fetched, clock } = createWorld();
    const good = { ok: true, value: [{ kid: 'a' }] };
    expect(await Promise.all([keys.read(make()), keys.read(make())])).toEqual([good, good]);
    expect(fetched).toEqual([`${issuer}${discoveryPath}`, `${issuer}/keys`]);
    clock.nowMs = 599_999;
    await keys.read(make());
    expect(fetched).toHaveLength(2);
    clock.nowMs = 600_000;
    await keys.read(make());
    expect(fetched).toHaveLength(4);
  });

  it('are asked for anew at most once in 30 s, by however many', async () => {
    const { keys, fetched, clock } = createWorld();
    await keys.read(make());
    for (let asked = 0; asked < 100; asked += 1) await keys.readAnew(make());
    expect(fetched).toHaveLength(2);
    clock.nowMs = 30_000;
    await Promise.all(Array.from({ length: 100 }, () => keys.readAnew(make())));
    expect(fetched).toHaveLength(4);
  });

  it('stay valid for their 10 minutes when the issuer fails to serve them again', async () => {
    const { keys, fetched, clock, known } = createWorld();
    const good = await keys.read(make());
    known[`${issuer}/keys`] = err('timeout');
    clock.nowMs = 30_000;
    expect(await keys.readAnew(make())).toEqual(good);
    expect(await keys.readAnew(make())).toEqual(good);
    expect(fetched).toHaveLength(4);
    clock.nowMs = 599_999;
    expect(await keys.read(make())).toEqual(good);
    clock.nowMs = 600_000;
    expect(await keys.read(make())).toEqual(err('timeout'));
  });

  it('that could not be had are asked for again after 30 s', async () => {
    const { keys, fetched, clock, known } = createWorld({ [`${issuer}/keys`]: err('timeout') });
    expect(await keys.read(make())).toEqual(err('timeout'));
    clock.nowMs = 29_999;
    expect(await keys.read(make())).toEqual(err('timeout'));
    expect(fetched).toHaveLength(2);
    known[`${issuer}/keys`] = ok('{"keys":[]}');
    clock.nowMs = 30_000;
    expect(await keys.read(make())).toEqual(ok([]));
  });

  it('belong to one config in one generation: another config, or a changed one, reads its own', async () => {
    const { keys, fetched } = createWorld();
    await keys.read(make('u/1'));
    await keys.read(make('u/2'));
    await keys.read(make('v/1'));
    expect(fetched).toHaveLength(6);
  });

  it.each<[string, Record<string, string>, FetchFault]>([
    [
      'the document is of another issuer',
      { [discoveryPath]: '{"issuer":"https://evil.example","jwks_uri":"https://issuer.example/keys"}' },
      'other_issuer',
    ],
    [
      'the document names its issuer with a slash more',
      { [discoveryPath]: '{"issuer":"https://issuer.example/","jwks_uri":"https://issuer.example/keys"}' },
      'other_issuer',
    ],
    ['the document is no JSON', { [discoveryPath]: '<html>' }, 'document'],
    ['the document is a list', { [discoveryPath]: '[]' }, 'document'],
    ['the document names no place', { [discoveryPath]: `{"issuer":"${issuer}"}` }, 'document'],
    ...[
      'http://issuer.example/keys',
      'https://10.0.0.1/keys',
      'https://localhost/keys',
      'https://u:p@issuer.example/keys',
      'https://issuer.example/keys?a=b',
      'https://issuer.example/keys#a',
      'file:///etc/passwd',
      'data:application/json,{}',
      '//issuer.example/keys',
      'https://[::ffff:a00:1]/keys',
    ].map((uri): [string, Record<string, string>, FetchFault] => [
      `the place of the keys is ${uri}`,
      { [discoveryPath]: JSON.stringify({ issuer, jwks_uri: uri }) },
      'insecure_url',
    ]),
    ['the keys are no JSON', { '/keys': 'x' }, 'document'],
    ['the keys are no list', { '/keys': '{"keys":{}}' }, 'document'],
    ['there are 65 keys', { '/keys': JSON.stringify({ keys: Array(65).fill({}) }) }, 'document'],
  ])('are refused when %s', async (_, change, fault) => {
    const documents = Object.entries(change).map(([path, text]) => [issuer + path, ok(text)]);
    const { keys, fetched } = createWorld(Object.fromEntries(documents) as Record<string, Result<string, FetchFault>>);
    expect(await keys.read(make())).toEqual(err(fault));
    expect(fetched.every((url) => url.startsWith(`${issuer}/`))).toBe(true);
  });

  it('of a namespace with very many issuers are asked for no more often than others', async () => {
    const { keys, fetched, clock } = createWorld();
    const all = Array.from({ length: 200 }, (_, index) => make(`${index}/1`));
    for (let round = 0; round < 3; round += 1) for (const one of all) await keys.readAnew(one);
    const count = fetched.length / 2;
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThanOrEqual(64);
    expect(await keys.read(make('199/1'))).toEqual(err('busy'));
    clock.nowMs = 30_000;
    expect(await keys.read(make('199/1'))).toEqual({ ok: true, value: [{ kid: 'a' }] });
  });

  it('are not pushed out by those of other namespaces, however many', async () => {
    const { keys, fetched } = createWorld();
    await keys.read(make('mine/1'));
    for (let index = 0; index < 2_000; index += 1)
      await keys.read(make(`${index}/1`, `tenant-${index % 40}-of-others`));
    const before = fetched.length;
    await keys.read(make('mine/1'));
    expect(fetched).toHaveLength(before);
  });

  it('of an issuer that may be private come over https where the issuer does', async () => {
    const hidden = 'https://10.0.0.1';
    const { keys } = createWorld({
      [`${hidden}${discoveryPath}`]: ok(JSON.stringify({ issuer: hidden, jwks_uri: 'http://10.0.0.1/keys' })),
    });
    expect(await keys.read({ ...make('h/1', 'buildkit-system', hidden), mayBePrivate: true })).toEqual(
      err('insecure_url'),
    );
  });
});

describe('fetches under way', () => {
  const hanging = () => {
    const ends: (() => void)[] = [];
    const fetchDocument: FetchDocument = () =>
      new Promise((resolve) => {
        ends.push(() => {
          resolve(err('timeout'));
        });
      });
    return { keys: createIssuerKeys(fetchDocument, () => 0), ends };
  };

  it('are limited to four per namespace, and other namespaces go on', async () => {
    const { keys, ends } = hanging();
    const slow = Array.from({ length: 4 }, (_, index) => keys.read(make(`slow-${index}/1`)));
    expect(await keys.read(make('more/1'))).toEqual(err('busy'));
    const other = keys.read(make('other/1', 'tenant-b'));
    expect(ends).toHaveLength(5);
    for (const end of ends) end();
    expect(await Promise.all([...slow, other])).toEqual(Array(5).fill(err('timeout')));
    // What was turned away was not remembered.
    void keys.read(make('more/1'));
    expect(ends).toHaveLength(6);
  });

  it.each<[string, (index: number) => string]>([
    ['others', (index) => `slow-${index % 8}`],
    ['its own namespace', () => 'tenant-a'],
  ])('of %s do not cost an issuer the keys that are known, for up to an hour', async (_, namespaceOf) => {
    const { keys, known, clock, fetched, hang } = createWorld();
    const good = await keys.read(make());
    clock.nowMs = 600_000;
    hang.isOn = true;
    for (let index = 0; index < 32; index += 1) void keys.read(make(`slow-${index}/1`, namespaceOf(index)));
    const before = fetched.length;
    expect(await keys.read(make())).toEqual(good);
    // A key that is not among them may be there: nobody was asked.
    expect(await keys.readAnew(make())).toEqual(err('busy'));
    clock.nowMs = 3_599_999;
    expect(await keys.read(make())).toEqual(good);
    clock.nowMs = 3_600_000;
    expect(await keys.read(make())).toEqual(err('busy'));
    expect(fetched).toHaveLength(before);
    hang.end();
    known[`${issuer}/keys`] = ok('{"keys":[]}');
    await expect.poll(() => keys.read(make())).toEqual(ok([]));
  });

  it('are limited to 32 in all', async () => {
    const { keys, ends } = hanging();
    for (let index = 0; index < 32; index += 1) void keys.read(make(`${index}/1`, `tenant-${index}`));
    expect(await keys.read(make('more/1', 'tenant-x'))).toEqual(err('busy'));
    expect(ends).toHaveLength(32);
  });
});
