/**
 * Who a person is to which apiserver: kubeconfig files, as kubectl reads them. What is in them is checked here;
 * `KubeConfig` of the library then logs in: by exec plugins, by OIDC, through proxies.
 */
import { Agent, type RequestOptions } from 'node:https';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { parse } from 'yaml';
import * as z from 'zod';
import { err, ok, type Result } from '../../core/result.ts';
import { agentOptions, bearer, type Credentials, type Login } from './transport.ts';
import { KubeError } from './errors.ts';
import { exec, makeExec } from './exec-plugin.ts';

const cluster = z.object({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'tls-server-name': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'proxy-url': z.string().optional(),
});

const user = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  as: z.string().optional(),
  exec: exec.optional(),
  'auth-provider': z.looseObject({ name: z.string() }).optional(),
});

const named = <T extends z.ZodType, K extends string>(key: K, value: T) =>
  z
    .array(z.object({ name: z.string(), [key]: value } as { name: z.ZodString } & Record<K, T>))
    .nullish()
    .transform((list) => list ?? []);

const kubeconfig = z.object({
  'current-context': z.string().optional(),
  clusters: named('cluster', cluster),
  users: named('user', user.nullish()),
  contexts: named('context', z.object({ cluster: z.string(), user: z.string().optional() })),
});
type Kubeconfig = z.infer<typeof kubeconfig>;

/** A file, and the folder that its relative paths start from. */
type Read = Kubeconfig & { readonly folder: string };

export interface KubeconfigChoice {
  /** Wins over `KUBECONFIG`. */
  readonly file?: string | undefined;
  /** Wins over the current context. */
  readonly context?: string | undefined;
}

/** An apiserver, and how the person logs in to it. */
export interface KubeAccess {
  readonly url: string;
  readonly login: Login;
}

/** `KUBECONFIG`, else `~/.kube/config`; of several files the first that knows a name counts. The error says what is wrong. */
export async function readKubeconfig(
  { file, context }: KubeconfigChoice,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Result<KubeAccess, string>> {
  const paths = file === undefined ? findPaths(environment) : [file];
  const configs: Read[] = [];
  for (const path of paths) {
    const config = await readConfig(path, file === undefined && paths.length > 1);
    if (!config.ok) return config;
    if (config.value !== undefined) configs.push(config.value);
  }
  return choose(configs, context);
}

const findPaths = ({ KUBECONFIG = '', HOME = homedir() }: NodeJS.ProcessEnv): string[] => {
  const paths = KUBECONFIG.split(delimiter).filter((path) => path !== '');
  return paths.length > 0 ? paths : [join(HOME, '.kube/config')];
};

/** Undefined for one of several that is not there. */
async function readConfig(path: string, mayBeAbsent: boolean): Promise<Result<Read | undefined, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && mayBeAbsent) return ok(undefined);
    return err(`kubeconfig ${path}: can't be read: ${code}`);
  }
  const parsed = kubeconfig.safeParse(parseYaml(text));
  if (parsed.success) return ok({ ...parsed.data, folder: dirname(resolve(path)) });
  // The parser's own words may quote what was read, and that may be a key.
  return err(`kubeconfig ${path}: expected a kubeconfig, got something else at ${describePath(parsed.error)}`);
}

const describePath = ({ issues }: z.ZodError): string => issues[0]?.path.join('.') || 'its top';

function parseYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function choose(configs: readonly Read[], asked: string | undefined): Promise<Result<KubeAccess, string>> {
  const name = asked ?? configs.map((config) => config['current-context'] ?? '').find((current) => current !== '');
  if (name === undefined) return err('kubeconfig: expected a current context, got none: choose one with --context');
  const context = find(configs, 'contexts', name);
  if (context === undefined) return err(`kubeconfig: no context ${JSON.stringify(name)}`);
  const { cluster: clusterName, user: userName } = context.entry.context;
  const server = find(configs, 'clusters', clusterName);
  if (server === undefined) return err(`kubeconfig: no cluster ${JSON.stringify(clusterName)}`);
  const person = userName === undefined ? undefined : find(configs, 'users', userName);
  if (person === undefined) return err(`kubeconfig: no user ${JSON.stringify(userName ?? '')}`);
  try {
    return await connect(
      { ...server.entry.cluster, folder: server.folder },
      { ...person.entry.user, folder: person.folder },
    );
  } catch (error) {
    const { code = '', path = '' } = error as NodeJS.ErrnoException;
    return err(`kubeconfig: ${path}: can't be read: ${code}`);
  }
}

function find<K extends 'clusters' | 'users' | 'contexts'>(
  configs: readonly Read[],
  list: K,
  name: string,
): { readonly entry: Read[K][number]; readonly folder: string } | undefined {
  for (const config of configs) {
    const entry = config[list].find((candidate) => candidate.name === name);
    if (entry !== undefined) return { entry, folder: config.folder };
  }
  return undefined;
}

/** What a plugin says when it fails may be long. */
const maxLoginErrorLength = 1024;

type InFolder<T> = T & { readonly folder: string };
type ClusterEntry = InFolder<z.infer<typeof cluster>>;
type UserEntry = InFolder<z.infer<typeof user>>;

async function connect(server: ClusterEntry, person: UserEntry): Promise<Result<KubeAccess, string>> {
  const refusal = findRefusal(server, person);
  if (refusal !== undefined) return err(refusal);
  const [ca, cert, key] = await Promise.all([
    readEither(server, 'certificate-authority'),
    readEither(person, 'client-certificate'),
    readEither(person, 'client-key'),
  ]);
  const pair = cert === undefined || key === undefined ? undefined : { cert, key };
  if (!isUsable({ ...(ca === undefined ? {} : { ca }), ...pair })) {
    return err('kubeconfig: expected CA, certificate and key in PEM, and the key of the certificate');
  }
  if (pair === undefined && !hasOtherLogin(person)) {
    return err('kubeconfig: expected a token, a client certificate, an exec plugin or an auth provider of the user');
  }
  return ok({ url: server.server, login: await createLogin({ server, person, ca, pair }) });
}

const hasOtherLogin = ({ token = '', tokenFile = '', exec, 'auth-provider': provider }: UserEntry): boolean =>
  token !== '' || tokenFile !== '' || exec !== undefined || provider !== undefined;

interface Checked {
  readonly server: ClusterEntry;
  readonly person: UserEntry;
  /** PEM. */
  readonly ca: string | undefined;
  readonly pair: { readonly cert: string; readonly key: string } | undefined;
}

async function createLogin(checked: Checked): Promise<Login> {
  const { server, person } = checked;
  const config = await makeKubeConfig(checked);
  const readToken = createTokenReader(person);
  const agents = new Map<string, Agent>();

  async function logIn(): Promise<Credentials> {
    const options: RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(options).catch((error: unknown) => {
      throw new KubeError(
        0,
        'LoginFailed',
        `login failed: ${(error as Error).message.trim().slice(0, maxLoginErrorLength)}`,
      );
    });
    const headers = { ...(options.headers as Readonly<Record<string, string>>), ...bearer(await readToken?.()) };
    return { agent: (server['proxy-url'] ?? '') === '' ? takeAgent(options) : (options.agent as Agent), headers };
  }

  /** One for each certificate: an exec plugin renews its own. The library's closes every connection after one call. */
  function takeAgent({ ca, cert, key, servername }: RequestOptions): Agent {
    const tls = Object.fromEntries(
      Object.entries({ ca, cert, key, servername }).filter(([, value]) => value !== undefined),
    );
    const id = JSON.stringify(cert ?? '');
    const agent = agents.get(id) ?? new Agent({ ...agentOptions, ...tls });
    agents.set(id, agent);
    return agent;
  }

  const close = (): void => {
    for (const agent of agents.values()) agent.destroy();
  };
  return { logIn, close };
}

/** Loaded here, so that a command that needs no cluster starts without it. */
async function makeKubeConfig({ server, person, ca, pair }: Checked) {
  const { KubeConfig } = await import('#kubeconfig');
  const config = new KubeConfig();
  const { 'tls-server-name': tlsServerName, 'proxy-url': proxyUrl, server: url } = server;
  const { as: impersonateUser, exec: plugin, 'auth-provider': authProvider } = person;
  config.loadFromClusterAndUser(
    {
      name: 'cluster',
      server: url,
      skipTLSVerify: false,
      ...(ca === undefined ? {} : { caData: toBase64(ca) }),
      ...(tlsServerName === undefined ? {} : { tlsServerName }),
      ...(proxyUrl === undefined || proxyUrl === '' ? {} : { proxyUrl }),
    },
    {
      name: 'user',
      ...(pair === undefined ? {} : { certData: toBase64(pair.cert), keyData: toBase64(pair.key) }),
      ...(impersonateUser === undefined ? {} : { impersonateUser }),
      ...(plugin === undefined ? {} : { exec: makeExec(plugin, { folder: person.folder, server, ca }) }),
      ...(authProvider === undefined ? {} : { authProvider }),
    },
  );
  return config;
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

function isUsable(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

/** What would send credentials to nobody knows whom, or somewhere we can't reach. */
function findRefusal(server: z.infer<typeof cluster>, person: z.infer<typeof user>): string | undefined {
  if (!server.server.startsWith('https://') || !URL.canParse(server.server))
    return 'kubeconfig: expected the server at https';
  if (server['insecure-skip-tls-verify'] === true) return 'kubeconfig: insecure-skip-tls-verify is not supported';
  if (person.exec?.interactiveMode === 'Always')
    return 'kubeconfig: an exec plugin that needs a terminal is not supported';
  if (!isProxy(server['proxy-url'] ?? '')) return 'kubeconfig: expected proxy-url to be an http, https or socks5 URL';
  // What the library would leave out: the person would act with rights that were not meant.
  const ignored = ['as-groups', 'as-uid', 'as-user-extra', 'username'].find((name) => person[name] !== undefined);
  return ignored === undefined ? undefined : `kubeconfig: ${ignored} is not supported`;
}

const isProxy = (url: string): boolean =>
  url === '' || (URL.canParse(url) && ['http:', 'https:', 'socks5:'].includes(new URL(url).protocol));

/** `<key>-data` in base64 wins over the file that `<key>` names, as with kubectl. */
async function readEither<K extends string>(
  holder: { readonly folder: string } & { readonly [P in K | `${K}-data`]?: string | undefined },
  key: K,
): Promise<string | undefined> {
  const { [`${key}-data` as const]: data, [key]: file } = holder as Readonly<Record<string, string | undefined>>;
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString();
  return file === undefined || file === '' ? undefined : await readFile(resolve(holder.folder, file), 'utf8');
}

/** The file wins over the token, as with kubectl, and is read at each call: tokens rotate. */
function createTokenReader({
  token = '',
  tokenFile = '',
  folder,
}: InFolder<z.infer<typeof user>>): (() => Promise<string>) | undefined {
  if (tokenFile !== '') return async () => (await readFile(resolve(folder, tokenFile), 'utf8')).trim();
  return token === '' ? undefined : () => Promise.resolve(token);
}
