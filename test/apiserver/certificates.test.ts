import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateAnswer } from '../../api/http/certificates.ts';
import type { Problem } from '../../api/http/problem.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { developmentFqdn } from '../../dev/parts.ts';
import { expectApplied, getJson, makeNamespace, makePool, run, stack } from './cluster.ts';

const exec = promisify(execFile);
const audience = '--audience=buildkit.smrt-devops.net';

let tenant: string;
let stranger: string;
let shared: string;
let token: string;

beforeAll(async () => {
  [tenant, stranger, shared] = (await Promise.all(['tenant', 'stranger', 'shared'].map(makeNamespace))) as [
    string,
    string,
    string,
  ];
  await expectApplied(makePool(tenant, 'tenant-pool'));
  await expectApplied(makePool(stranger, 'private-pool'));
  await expectApplied(makePool(shared, 'shared-pool'));
  await run([
    'create',
    'rolebinding',
    'builds',
    '-n',
    shared,
    '--clusterrole=buildkit-pool-user',
    `--serviceaccount=${tenant}:default`,
  ]);
  token = (await run(['create', 'token', 'default', '-n', tenant, audience])).trim();
});

interface Asked {
  readonly authorization?: string;
  readonly contentType?: string;
  readonly body?: string;
}

const ask = ({ authorization = `Bearer ${token}`, contentType = 'application/json', body = '{}' }: Asked) =>
  fetch(`${stack.apiUrl}/api/v1/certs/request`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...(authorization === '' ? {} : { authorization }) },
    body,
  });

async function askFor(body: unknown): Promise<Response> {
  return await ask({ body: JSON.stringify(body) });
}

describe('a certificate for pools in two namespaces', () => {
  it('is what the profile says, and OpenSSL verifies it', async () => {
    const asked = ['tenant-pool', `${shared}/shared-pool`];
    const answer = await askFor({ pools: asked });
    expect(answer.status).toBe(200);
    const { caCert, clientCert, clientKey, endpoints } = (await answer.json()) as CertificateAnswer & {
      clientKey: string;
    };
    expect(endpoints).toEqual({
      'tenant-pool': `tcp://tenant-pool.${tenant}.svc:1235`,
      [`${shared}/shared-pool`]: `tcp://shared-pool.${shared}.svc:1235`,
    });
    const folder = await mkdtemp(join(stack.folder, 'certificate-'));
    for (const [name, pem] of Object.entries({ caCert, clientCert, clientKey }))
      await writeFile(join(folder, name), pem);
    const verified = await exec(
      'openssl',
      [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslclient',
        '-CAfile',
        'caCert',
        '-untrusted',
        'clientCert',
        'clientCert',
      ],
      { cwd: folder },
    );
    expect(verified.stdout).toBe('clientCert: OK\n');

    const leaf = new X509Certificate(clientCert);
    const identities = await Promise.all(
      [[tenant, 'tenant-pool'] as const, [shared, 'shared-pool'] as const].map(async ([namespace, name]) => {
        const { metadata } = await getJson<Pool>('-n', namespace, `bkp/${name}`);
        return `URI:buildkit://${developmentFqdn}/ns/${namespace}/pool/${name}/uid/${metadata.uid}`;
      }),
    );
    const domainHash = createHash('sha256').update(`ns/${tenant}`).digest('hex');
    const principal = `system%3Aserviceaccount%3A${tenant}%3Adefault`;
    const own = `URI:buildkit://${developmentFqdn}/principal/${principal}/domain/${domainHash}`;
    expect(leaf.subjectAltName?.split(', ')).toEqual([...identities, own]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(leaf.ca).toBe(false);
    expect((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / 1000).toBe(3600 + 60);
    const key = await exec('openssl', ['pkey', '-in', 'clientKey', '-pubout'], { cwd: folder });
    expect(key.stdout).toBe(leaf.publicKey.export({ type: 'spki', format: 'pem' }));
  });

  it('lives as long as asked', async () => {
    const { clientCert } = (await (
      await askFor({ pools: ['tenant-pool'], duration: '1h30m' })
    ).json()) as CertificateAnswer;
    const { validFromDate, validToDate } = new X509Certificate(clientCert);
    expect((validToDate.getTime() - validFromDate.getTime()) / 1000).toBe(5400 + 60);
  });
});

async function refusal(answer: Response): Promise<Pick<Problem, 'status' | 'code' | 'errors'>> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const { status, code, errors } = (await answer.json()) as Problem;
  expect(answer.status).toBe(status);
  return errors === undefined ? { status, code } : { status, code, errors };
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

function forgeUnsigned(): string {
  const [, payload = ''] = token.split('.');
  return `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`;
}

function changeSubject(): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  return `${header}.${encode({ ...claims, sub: `system:serviceaccount:${stranger}:default` })}.${signature}`;
}

describe('no certificate', () => {
  const body = JSON.stringify({ pools: ['tenant-pool'] });

  it.each([
    ['without a token', () => ''],
    ['with a forged alg: none token', () => `Bearer ${forgeUnsigned()}`],
    ['with claims changed after signing', () => `Bearer ${changeSubject()}`],
    ['with something that is no token', () => 'Bearer x'],
    ['with another scheme', () => `Basic ${token}`],
  ])('%s: 401', async (_case, makeAuthorization) => {
    const answer = await ask({ authorization: makeAuthorization(), body });
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(await refusal(answer)).toEqual({ status: 401, code: 'unauthenticated' });
  });

  it("with a token of the apiserver's audience: 401", async () => {
    const other = (await run(['create', 'token', 'default', '-n', tenant])).trim();
    expect(await refusal(await ask({ authorization: `Bearer ${other}`, body }))).toEqual({
      status: 401,
      code: 'unauthenticated',
    });
  });

  it('for a pool one may not use, existing or not: the same 403', async () => {
    const answers = await Promise.all(
      [`${stranger}/private-pool`, `${stranger}/no-such-pool`, 'no-such-namespace/pool'].map(async (name) => {
        const answer = await askFor({ pools: ['tenant-pool', name] });
        return (await answer.text()).replace(name, '<name>').replace(/"requestId":"[^"]*"/, '');
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0]?.replace(',}', '}').replace(',,', ',') ?? '')).toMatchObject({
      status: 403,
      code: 'pool_forbidden',
    });
  });

  it("for a pool that is gone from a namespace of one's own: 404", async () => {
    expect(await refusal(await askFor({ pools: ['no-such-pool'] }))).toEqual({ status: 404, code: 'pool_not_found' });
  });

  it('of a recreated pool is good for the pool before it', async () => {
    await expectApplied(makePool(tenant, 'again'));
    const uidOf = async () => {
      const { clientCert } = (await (await askFor({ pools: ['again'] })).json()) as CertificateAnswer;
      return new X509Certificate(clientCert).subjectAltName;
    };
    const before = await uidOf();
    await run(['delete', '-n', tenant, 'bkp/again']);
    await expectApplied(makePool(tenant, 'again'));
    expect(await uidOf()).not.toBe(before);
  });
});

describe('a pool of another namespace', () => {
  const clients = (section: object) => ({ access: { clients: section } });
  const isForTenant = async (name: string, namespace: string, section: object) => {
    await expectApplied(makePool(namespace, name, clients(section)));
    return (await askFor({ pools: [`${namespace}/${name}`] })).status;
  };
  const byName = (name: string) => ({
    namespaces: { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
  });

  it('is for clients of the namespaces its owner lets in', async () => {
    expect(await isForTenant('for-all', stranger, { namespaces: { from: 'All' } })).toBe(200);
    expect(await isForTenant('for-one', stranger, byName(tenant))).toBe(200);
    expect(await isForTenant('for-another', stranger, byName(shared))).toBe(403);
    expect(await isForTenant('for-same', stranger, { namespaces: { from: 'Same' } })).toBe(403);
  });

  it('is for the ServiceAccounts that its rules name', async () => {
    const rules = (...users: string[]) => ({ rules: [{ users }] });
    expect(await isForTenant('named', stranger, rules(`system:serviceaccount:${tenant}:default`))).toBe(200);
    expect(await isForTenant('any-account', stranger, rules(`system:serviceaccount:${tenant}:*`))).toBe(200);
    expect(await isForTenant('any-user', stranger, rules('*', 'default'))).toBe(403);
  });

  it('is no longer for its own namespace where it is for None', async () => {
    expect(await isForTenant('closed', tenant, { namespaces: { from: 'None' } })).toBe(403);
    expect(await isForTenant('closed', tenant, { namespaces: { from: 'Same' } })).toBe(200);
  });
});

const pool = '<pool> or <namespace>/<pool>, lower-case DNS labels of at most 52 and 63 characters';
const pools = 'an array of 1 to 16 pool names';
const duration = 'a Go duration from 5m to 24h, such as 30m or 1h30m';
const long = 'a'.repeat(300);

describe('bad input', () => {
  it.each([
    [{}, 'pools', pools, 'nothing'],
    [{ pools: [] }, 'pools', pools, 'an array of 0'],
    [{ pools: 'my-pool' }, 'pools', pools, '"my-pool"'],
    [{ pools: Array.from({ length: 17 }, (_, index) => `p${index}`) }, 'pools', pools, 'an array of 17'],
    [{ pools: ['a/b/c'] }, 'pools[0]', pool, '"a/b/c"'],
    [{ pools: ['ok', '../x'] }, 'pools[1]', pool, '"../x"'],
    [{ pools: ['My-Pool'] }, 'pools[0]', pool, '"My-Pool"'],
    [{ pools: [1] }, 'pools[0]', pool, '1'],
    [{ pools: ['tenant-pool'], duration: '-1h' }, 'duration', duration, '"-1h"'],
    [{ pools: ['tenant-pool'], duration: 'abc' }, 'duration', duration, '"abc"'],
    [{ pools: ['tenant-pool'], duration: '4m59s' }, 'duration', duration, '"4m59s"'],
    [{ pools: ['tenant-pool'], duration: '24h1s' }, 'duration', duration, '"24h1s"'],
    [{ pools: ['tenant-pool'], duration: 60 }, 'duration', duration, '60'],
  ])('%j: 400 naming %s', async (body, field, expected, got) => {
    const errors = [{ field, expected, got }];
    expect(await refusal(await askFor(body))).toEqual({ status: 400, code: 'invalid_request', errors });
  });

  it('of 300 characters: 400, and the answer is short', async () => {
    const answer = await refusal(await askFor({ pools: [long] }));
    expect(answer).toMatchObject({ status: 400, errors: [{ field: 'pools[0]', expected: pool }] });
    expect(answer.errors?.[0]?.got.length).toBeLessThan(150);
  });

  it('that is broken JSON: 400', async () => {
    expect(await refusal(await ask({ body: '{"pools": [' }))).toMatchObject({
      status: 400,
      errors: [{ field: 'body' }],
    });
  });

  it('of another content type: 415', async () => {
    expect(await refusal(await ask({ contentType: 'text/plain' }))).toEqual({
      status: 415,
      code: 'unsupported_media_type',
    });
  });

  it('of 2 MiB: 413, even without a token', async () => {
    const body = JSON.stringify({ pools: ['x'.repeat(2 * 1024 * 1024)] });
    expect(await refusal(await ask({ authorization: '', body }))).toEqual({ status: 413, code: 'body_too_large' });
  });

  it('is answered in the order 413, 401, 415, 400, 403', async () => {
    const forbidden = JSON.stringify({ pools: [`${stranger}/private-pool`], duration: 'abc' });
    expect(
      await refusal(await ask({ authorization: 'Bearer x', contentType: 'text/plain', body: forbidden })),
    ).toMatchObject({ status: 401 });
    expect(await refusal(await ask({ contentType: 'text/plain', body: forbidden }))).toMatchObject({ status: 415 });
    expect(await refusal(await ask({ body: forbidden }))).toMatchObject({ status: 400 });
  });
});
