/**
 * Which tokens are of this cluster: those that one of its keys for ServiceAccounts has signed, whatever issuer they name.
 * An apiserver accepts several issuers while one is exchanged for another, and tells only of the first; the keys it
 * publishes are those of all of them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issuerRefetchMs } from '../../api/limits/issuers.ts';
import { accountCacheMs } from '../../api/limits/kubernetes.ts';
import { readKeySet } from '../../core/oidc/discovery.ts';
import { err } from '../../core/result.ts';
import { readIssuer, type ParsedToken } from '../../core/tokens/parse.ts';
import type { KeySet } from '../oidc/keys.ts';
import { verifyByOne } from '../oidc/signature.ts';
import type { Kube } from './api.ts';
import { KubeError } from './client.ts';

/**
 * Whether a token is of this cluster. A key that is not known is looked for again where the token is worth it, at most
 * once in `issuerRefetchMs`: garbage costs the apiserver next to nothing.
 */
export type IsClusterToken = (token: ParsedToken, isWorthARead: boolean) => Promise<boolean>;

export interface ClusterKeysOptions {
  /** Folder with `token`, as a Pod mounts it. */
  readonly accountFolder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Public, and open to every ServiceAccount by a binding that Kubernetes itself makes. */
const KEYS_PATH = '/openid/v1/jwks';

/** RFC 7517, 8.5.2: the apiserver answers 406 to who asks for plain JSON. */
const keySetType = 'application/jwk-set+json';

export function createClusterTokenCheck(kube: Kube, { accountFolder, now }: ClusterKeysOptions): IsClusterToken {
  let keys: KeySet = err('unreachable');
  let askedAtMs = -Infinity;
  let running: Promise<KeySet> | undefined;
  const issuer = createIssuerReader(accountFolder, now);

  async function fetchKeys(): Promise<KeySet> {
    const fetched = await readClusterKeys(kube);
    // Keys that are known stay good: the apiserver has the last word on each token.
    if (fetched.ok) keys = fetched;
    askedAtMs = now();
    return keys;
  }

  async function readAnew(): Promise<KeySet> {
    if (now() - askedAtMs < issuerRefetchMs) return keys;
    running ??= fetchKeys().finally(() => (running = undefined));
    return await running;
  }

  return async (token, isWorthARead) => {
    const mayRead = isWorthARead || !keys.ok;
    let verdict = await verifyByOne(keys, token);
    if (mayRead && (verdict === 'other_key' || verdict === 'unknown'))
      verdict = await verifyByOne(await readAnew(), token);
    return verdict === 'unknown' ? token.claims['iss'] === (await issuer()) : verdict === 'good';
  };
}

async function readClusterKeys(kube: Kube): Promise<KeySet> {
  try {
    const read = readKeySet(JSON.stringify(await kube.call({ path: KEYS_PATH, accept: keySetType })));
    return read.ok ? read : err('unreachable');
  } catch (error) {
    if (error instanceof KubeError) return err('unreachable');
    throw error;
  }
}

/** The issuer that our own mounted token names: what is left to go by where the keys can't be had. */
export async function readClusterIssuer(accountFolder: string): Promise<string> {
  const path = join(accountFolder, 'token');
  const issuer = readIssuer((await readFile(path, 'utf8')).trim());
  if (issuer === undefined) throw new Error(`${path}: expected a ServiceAccount token that names its issuer`);
  return issuer;
}

function createIssuerReader(accountFolder: string, now: () => number): () => Promise<string> {
  let held: { readonly issuer: Promise<string>; readonly untilMs: number } | undefined;
  return async () => {
    if (held === undefined || held.untilMs <= now())
      held = { issuer: readClusterIssuer(accountFolder), untilMs: now() + accountCacheMs };
    return await held.issuer;
  };
}
