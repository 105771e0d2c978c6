import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { makeRootProfile } from '../../../core/certificates/profile.ts';
import { readKubeconfig } from '../../../adapters/kube/kubeconfig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

const now = Math.floor(Date.now() / 1000);
const ca = makeRoot(makeRootProfile, now);
const { certificate, key } = makeWebhookLeaf(ca, ['me'], now);

const execVersion = 'client.authentication.k8s.io/v1';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const config = (change: { cluster?: object; user?: object | null; current?: string } = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  preferences: {},
  'current-context': change.current ?? 'dev',
  clusters: [
    {
      name: 'dev',
      cluster: {
        server: 'https://10.0.0.1:6443',
        'certificate-authority-data': base64(ca.certificate),
        ...change.cluster,
      },
    },
  ],
  users: [{ name: 'me', user: change.user === undefined ? { token: 'secret' } : change.user }],
  contexts: [{ name: 'dev', context: { cluster: 'dev', user: 'me', namespace: 'n' } }],
});

async function write(name: string, content: unknown): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, typeof content === 'string' ? content : stringify(content));
  return file;
}

const read = async (content: unknown, context?: string) =>
  await readKubeconfig({ file: await write('config', content), context }, {});

async function pairOf(found: Awaited<ReturnType<typeof read>>): Promise<string[]> {
  if (!found.ok) throw new Error(found.error);
  const { options } = (await found.value.login.logIn()).agent;
  return [options.cert, options.key].map((pem) => {
    if (typeof pem !== 'string' && !Buffer.isBuffer(pem)) throw new Error('expected PEM');
    return pem.toString();
  });
}

describe('a kubeconfig', () => {
  it('gives server, CA and token', async () => {
    const found = await read(config());
    if (!found.ok) throw new Error(found.error);
    expect(found.value.url).toBe('https://10.0.0.1:6443');
    const { agent, headers } = await found.value.login.logIn();
    expect(headers).toEqual({ authorization: 'Bearer secret' });
    expect(String(agent.options.ca)).toBe(ca.certificate);
    expect(agent.options.cert).toBeUndefined();
  });

  it('gives a client certificate, from data or from files beside it', async () => {
    const data = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
    expect(await pairOf(await read(config({ user: data })))).toEqual([certificate, key]);
    await write('me.crt', certificate);
    await write('me.key', key);
    const files = { 'client-certificate': 'me.crt', 'client-key': join(folder, 'me.key') };
    expect(await pairOf(await read(config({ user: files })))).toEqual([certificate, key]);
  });

  it('names a token file that is read at each call', async () => {
    await write('token', 'first\n');
    const found = await read(config({ user: { tokenFile: 'token', token: 'never' } }));
    if (!found.ok) throw new Error(found.error);
    expect((await found.value.login.logIn()).headers).toEqual({ authorization: 'Bearer first' });
    await write('token', 'second\n');
    expect((await found.value.login.logIn()).headers).toEqual({ authorization: 'Bearer second' });
  });

  it('is one of several, of which the first that knows a name counts', async () => {
    await mkdir(join(folder, '.kube'));
    const first = await write('first', { ...config({ current: 'dev' }), clusters: [], users: null });
    const second = await write('second', config({ cluster: { server: 'https://second' }, current: 'other' }));
    const third = await write('third', config({ cluster: { server: 'https://third' } }));
    const KUBECONFIG = ['', first, join(folder, 'absent'), second, third].join(delimiter);
    expect(await readKubeconfig({}, { KUBECONFIG })).toMatchObject({ ok: true, value: { url: 'https://second' } });
    await write('.kube/config', config({ cluster: { server: 'https://home' } }));
    expect(await readKubeconfig({}, { HOME: folder })).toMatchObject({ ok: true, value: { url: 'https://home' } });
  });

  it.each<[string, unknown, string]>([
    [
      'the current context is none',
      config({ current: '' }),
      'expected a current context, got none: choose one with --context',
    ],
    ['the current context is unknown', config({ current: 'prod' }), 'no context "prod"'],
    ['the cluster is unknown', { ...config(), clusters: [] }, 'no cluster "dev"'],
    ['the user is unknown', { ...config(), users: [] }, 'no user "me"'],
    ['the server is plain', config({ cluster: { server: 'http://10.0.0.1' } }), 'expected the server at https'],
    [
      'nobody is verified',
      config({ cluster: { 'insecure-skip-tls-verify': true } }),
      'insecure-skip-tls-verify is not supported',
    ],
    [
      'the proxy is of another kind',
      config({ cluster: { 'proxy-url': 'ftp://p' } }),
      'expected proxy-url to be an http, https or socks5 URL',
    ],
    ['it acts for groups', config({ user: { token: 't', as: 'a', 'as-groups': ['g'] } }), 'as-groups is not supported'],
    ['the server is nowhere', config({ cluster: { server: 'https://' } }), 'expected the server at https'],
    [
      'the key is of another',
      config({ user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(ca.key) } }),
      'expected CA, certificate and key in PEM, and the key of the certificate',
    ],
    [
      'a certificate is none',
      config({ user: { 'client-certificate-data': base64('x'), 'client-key-data': base64(key) } }),
      'expected CA, certificate and key in PEM, and the key of the certificate',
    ],
    [
      'a plugin needs a terminal',
      config({ user: { exec: { apiVersion: execVersion, command: 'aws', interactiveMode: 'Always' } } }),
      'an exec plugin that needs a terminal is not supported',
    ],
    [
      'the user has no way to log in',
      config({ user: null }),
      'expected a token, a client certificate, an exec plugin or an auth provider of the user',
    ],
  ])('is refused when %s', async (_, content, message) => {
    expect(await read(content)).toEqual({ ok: false, error: `kubeconfig: ${message}` });
  });

  it('is refused when it is not valid, and the message repeats nothing of it', async () => {
    const file = join(folder, 'config');
    const none = { ok: false, error: `kubeconfig ${file}: expected a kubeconfig, got something else at its top` };
    expect(await read('secret: [')).toEqual(none);
    expect(await read('secret')).toEqual(none);
    expect(await read({ ...config(), users: [{ name: 'me', user: { token: { secret: 1 } } }] })).toEqual({
      ok: false,
      error: `kubeconfig ${file}: expected a kubeconfig, got something else at users.0.user.token`,
    });
  });

  it('is refused when it, or a file that it names, does not exist', async () => {
    const absent = join(folder, 'absent');
    expect(await readKubeconfig({ file: absent }, {})).toEqual({
      ok: false,
      error: `kubeconfig ${absent}: can't be read: ENOENT`,
    });
    const user = { 'client-certificate': 'absent', 'client-key': 'absent' };
    expect(await read(config({ user }))).toEqual({ ok: false, error: `kubeconfig: ${absent}: can't be read: ENOENT` });
  });
});
