/** Tokens of a real OpenID provider and of real ServiceAccounts, with the functions as they run. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../api/http/problem.ts';
import type { Condition } from '../../api/fields.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import { expectApplied, getJson, makeNamespace, makePool, run, stack } from './cluster.ts';
import { startProvider, type RunningProvider } from './provider.ts';

const system = 'buildkit-system';
const soon = { timeout: 120_000, interval: 200 };
const audience = 'https://builds.example';
const audienceFlag = '--audience=buildkit.smrt-devops.net';

let provider: RunningProvider;
let tenant: string;

const makeConfig = (namespace: string, name: string, spec: object = {}): string =>
  JSON.stringify({
    apiVersion: 'buildkit.smrt-devops.net/v1beta1',
    kind: 'BuildKitOIDCConfig',
    metadata: { name, namespace },
    spec: { issuer: provider.issuer, audience, ...spec },
  });

async function readCondition(
  namespace: string,
  name: string,
): Promise<Pick<Condition, 'status' | 'reason'> | undefined> {
  const { status } = await getJson<OidcConfig>('-n', namespace, `bkoidc/${name}`);
  const found = status?.conditions?.find(({ type }) => type === 'Ready');
  return found === undefined ? undefined : { status: found.status, reason: found.reason };
}

async function ask(token: string, pools: readonly string[]) {
  const answer = await fetch(`${stack.apiUrl}/api/v1/certs/request`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pools }),
  });
  const body = (await answer.json()) as Partial<Problem> & { pools?: string[] };
  return { status: answer.status, code: body.code, pools: body.pools };
}

const rules = (...users: string[]) => ({ clients: { rules: [{ users }] } });
const issued = (...pools: string[]) => ({ status: 200, code: undefined, pools });
const refused = (status: number, code: string) => ({ status, code, pools: undefined });

const spare = (name: string): string => `https://${name}.example`;

/** All at once: what is not there yet is looked for again after 10 s. */
async function setUp(): Promise<void> {
  const inline = [{ issuer: provider.issuer, audience: spare('inline') }];
  const narrowing = {
    audience: spare('narrow'),
    claimsMapping: { pools: 'pools' },
    boundClaims: { project_id: ['4711'] },
  };
  const unbound = { audience: spare('unbound'), boundClaims: { project_id: ['4712'] } };
  const items = [
    makeConfig(system, 'provider'),
    makeConfig(system, 'narrowing', narrowing),
    makeConfig(system, 'unbound', unbound),
    makeConfig(system, 'brief', { audience: spare('brief') }),
    makePool(tenant, 'build', { access: rules(`oidc:${system}/provider:alice`) }),
    makePool(tenant, 'closed'),
    makePool(tenant, 'elsewhere', { access: { ...rules('oidc:*:*'), oidc: { configRefs: [{ name: 'other' }] } } }),
    ...['narrow', 'wide'].map((name) => makePool(tenant, name, { access: rules(`oidc:${system}/narrowing:*`) })),
    makePool(tenant, 'brief', { access: rules('oidc:*/brief:alice') }),
    makePool(tenant, 'own'),
    makePool(system, 'shared', { access: rules('alice') }),
    makePool(system, 'inline', { access: { ...rules('alice'), oidc: { inline } } }),
    makePool(system, 'beside', { access: rules('alice', 'oidc:*:*') }),
  ];
  const list = { apiVersion: 'v1', kind: 'List', items: items.map((item) => JSON.parse(item) as unknown) };
  await expectApplied(JSON.stringify(list));
}

beforeAll(async () => {
  provider = await startProvider(join(stack.mounts, 'private-issuers'), ['alice', 'bob']);
  tenant = await makeNamespace('oidc');
  await setUp();
});
afterAll(async () => {
  await run(['delete', '-n', system, 'bkoidc', '--all']);
  await run(['delete', '-n', system, 'bkp', 'shared', 'inline', 'beside', '--wait=false']);
  await provider.close();
});

describe('a token of an OpenID provider', () => {
  it('is good for a pool that trusts it and whose rule names its holder', async () => {
    const token = await provider.getToken('alice', audience);
    await expect.poll(() => ask(token, [`${tenant}/build`]), soon).toEqual(issued(`${tenant}/build`));
  });

  it('is not good for anybody else, another pool, or a pool that trusts another issuer', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((client) => provider.getToken(client, audience)));
    const forbidden = refused(403, 'pool_forbidden');
    expect(await ask(bob ?? '', [`${tenant}/build`])).toEqual(forbidden);
    expect(await ask(alice ?? '', [`${tenant}/build`, `${tenant}/closed`])).toEqual(forbidden);
    expect(await ask(alice ?? '', [`${tenant}/elsewhere`])).toEqual(forbidden);
    expect(await ask(alice ?? '', [`${tenant}/missing`])).toEqual(forbidden);
  });

  it('means the namespace of its config by a bare name', async () => {
    const token = await provider.getToken('alice', audience);
    await expect.poll(() => ask(token, ['shared']), soon).toEqual(issued(`${system}/shared`));
  });

  it('is let in by a right of its principal', async () => {
    const token = await provider.getToken('bob', audience);
    await run([
      ...['create', 'rolebinding', 'bob', '-n', tenant, '--clusterrole=buildkit-pool-user'],
      `--user=oidc:${system}/provider:bob`,
    ]);
    expect(await ask(token, [`${tenant}/closed`])).toEqual(issued(`${tenant}/closed`));
    expect(await ask(token, [`${tenant}/gone`])).toEqual(refused(404, 'pool_not_found'));
    expect(await ask(token, [`${tenant}/elsewhere`])).toEqual(refused(403, 'pool_forbidden'));
    await run(['delete', 'rolebinding', 'bob', '-n', tenant]);
  });

  it('counts nowhere for another audience, without a claim that is bound, or changed', async () => {
    const other = await provider.getToken('alice', spare('elsewhere'));
    const unbound = await provider.getToken('alice', spare('unbound'));
    const good = await provider.getToken('alice', audience);
    const unauthenticated = refused(401, 'unauthenticated');
    expect(await ask(other, [`${tenant}/build`])).toEqual(unauthenticated);
    expect(await ask(unbound, [`${tenant}/build`])).toEqual(unauthenticated);
    const [header = '', , signature = ''] = good.split('.');
    const [, payload = ''] = (await provider.getToken('bob', audience)).split('.');
    expect(await ask(`${header}.${payload}.${signature}`, [`${tenant}/build`])).toEqual(unauthenticated);
  });

  it('reaches only pools that it names, where its config says so', async () => {
    const token = await provider.getToken('alice', spare('narrow'));
    await expect.poll(() => ask(token, [`${tenant}/narrow`]), soon).toEqual(issued(`${tenant}/narrow`));
    expect(await ask(token, [`${tenant}/wide`])).toEqual(refused(403, 'pool_forbidden'));
    // Its rules do not name the config: a claim lets in nowhere.
    expect(await ask(token, [`${tenant}/build`])).toEqual(refused(403, 'pool_forbidden'));
  });

  it('of an issuer that a pool names itself is good for that pool alone', async () => {
    const token = await provider.getToken('alice', spare('inline'));
    await expect.poll(() => ask(token, [`${system}/inline`]), soon).toEqual(issued(`${system}/inline`));
    expect(await ask(token, [`${system}/beside`])).toEqual(refused(403, 'pool_forbidden'));
    expect(await ask(token, ['inline'])).toEqual(refused(400, 'invalid_request'));
  });

  it('counts no more once its config is switched off', async () => {
    const token = await provider.getToken('alice', spare('brief'));
    await expect.poll(() => ask(token, [`${tenant}/brief`]), soon).toEqual(issued(`${tenant}/brief`));
    await expectApplied(makeConfig(system, 'brief', { audience: spare('brief'), enabled: false }));
    await expect.poll(() => ask(token, [`${tenant}/brief`]), soon).toEqual(refused(401, 'unauthenticated'));
  });
});

describe('the status of an OIDC config', () => {
  it('can be waited for, and is recorded as an Event', async () => {
    const object = ['-n', system, 'bkoidc/unbound'];
    const waitFor = (status: string) => run(['wait', ...object, `--for=condition=Ready=${status}`, '--timeout=120s']);
    const enable = (enabled: boolean) =>
      run(['patch', ...object, '--type=merge', '-p', JSON.stringify({ spec: { enabled } })]);
    await waitFor('True');
    await enable(false);
    await waitFor('False');
    await enable(true);
    await waitFor('True');
    const said = () => run(['describe', ...object]);
    await expect.poll(said, soon).toMatch(/Normal +Discovered .*x2 over.*buildkit.smrt-devops.net\/status/);
    expect(await said()).toMatch(/Normal +Disabled .*spec.enabled is false/);
  });

  it('says that its issuer serves its keys', async () => {
    await expect.poll(() => readCondition(system, 'provider'), soon).toEqual({ status: 'True', reason: 'Discovered' });
  });

  it.each([
    ['is switched off', { enabled: false }, 'Disabled'],
    ['names an issuer that is not there', { issuer: 'https://localhost:1' }, 'DiscoveryFailed'],
  ])('says why it does not count: it %s', async (_, spec, reason) => {
    const name = reason.toLowerCase();
    await expectApplied(makeConfig(system, name, { audience: `https://${name}.example`, ...spec }));
    await expect.poll(() => readCondition(system, name), soon).toEqual({ status: 'False', reason });
  });

  it('follows its spec, and is written no more when it is true', async () => {
    const spec = { audience: 'https://follow.example' };
    await expectApplied(makeConfig(system, 'follow', { ...spec, enabled: false }));
    await expect.poll(() => readCondition(system, 'follow'), soon).toEqual({ status: 'False', reason: 'Disabled' });
    await expectApplied(makeConfig(system, 'follow', spec));
    await expect.poll(() => readCondition(system, 'follow'), soon).toEqual({ status: 'True', reason: 'Discovered' });
    const { metadata, status } = await getJson<OidcConfig>('-n', system, 'bkoidc/follow');
    expect(status).toMatchObject({ ready: true, message: 'the issuer tells its keys' });
    await run(['annotate', '-n', system, 'bkoidc/provider', 'touched=yes', '--overwrite']);
    await run(['annotate', '-n', system, 'bkoidc/follow', 'touched=yes', '--overwrite']);
    const after = await getJson<OidcConfig>('-n', system, 'bkoidc/follow');
    expect(after.metadata.resourceVersion).not.toBe(metadata.resourceVersion);
    await expect.poll(() => readCondition(system, 'provider'), soon).toEqual({ status: 'True', reason: 'Discovered' });
    expect((await getJson<OidcConfig>('-n', system, 'bkoidc/follow')).status).toEqual(status);
  });
});

describe('a token that is bound to a Pod', () => {
  it('counts while the Pod exists, and no longer', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'job', namespace: tenant },
      spec: { containers: [{ name: 'job', image: 'job' }] },
    };
    await expectApplied(JSON.stringify(pod));
    const bind = async () =>
      (
        await run([
          ...['create', 'token', 'default', '-n', tenant, audienceFlag],
          ...['--bound-object-kind=Pod', '--bound-object-name=job'],
        ])
      ).trim();
    const [reviewed, unreviewed] = [await bind(), await bind()];
    expect(await ask(reviewed, ['own'])).toEqual(issued(`${tenant}/own`));
    await run(['delete', 'pod', 'job', '-n', tenant, '--force', '--grace-period=0']);
    expect(await ask(unreviewed, ['own'])).toEqual(refused(401, 'unauthenticated'));
    await expect.poll(() => ask(reviewed, ['own']), soon).toEqual(refused(401, 'unauthenticated'));
  });
});
