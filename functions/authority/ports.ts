/** What the authority takes of the world. */
import type { IntermediateName } from '../../core/authority/hierarchy.ts';
import type { Validity } from '../../core/authority/rotation.ts';

/** PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface StoredSecret {
  readonly data: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
}

/** The ConfigMap of the trust bundle. */
export interface Trust {
  /** PEM. */
  readonly roots: string;
  /** JSON. */
  readonly status: string;
  /** RFC 3339. */
  readonly publishedAt: string;
}

export type StoredTrust = Partial<Trust> & { readonly resourceVersion: string };

export interface AuthorityPorts {
  /** What the API is called by those who verify it. */
  readonly apiNames: readonly string[];
  /** Seconds since the epoch. */
  readonly now: number;
  /** When somebody asked for a new root, last. */
  readonly askedAt: number | undefined;
  readonly getSecret: (name: string) => Promise<StoredSecret | undefined>;
  /** False where there is one already. */
  readonly createSecret: (name: string, data: Readonly<Record<string, string>>) => Promise<boolean>;
  /** Null removes a key. Throws when the Secret was written since it was read. */
  readonly changeSecret: (
    name: string,
    read: StoredSecret,
    data: Readonly<Record<string, string | null>>,
  ) => Promise<void>;
  readonly getTrust: () => Promise<StoredTrust | undefined>;
  /** What stands now. Throws when it was written since it was read. */
  readonly writeTrust: (read: StoredTrust | undefined, trust: Trust) => Promise<StoredTrust>;
  readonly makeRoot: () => Pair;
  readonly makeIntermediate: (name: IntermediateName, root: Pair) => Pair;
  /** The certificate and what signed it, in one PEM. */
  readonly makeServerLeaf: (ca: Pair, leaf: { readonly commonName: string; readonly names: readonly string[] }) => Pair;
  readonly makeWebhookRoot: () => Pair;
  readonly makeWebhookLeaf: (ca: Pair, names: readonly string[]) => Pair;
  /** Throws when the pair is no CA that may sign now. */
  readonly inspectRoot: (root: Pair) => Validity;
  /** Throws when the pair is no CA below one of these roots, PEM. */
  readonly inspectIntermediate: (
    name: IntermediateName,
    pair: Pair,
    roots: readonly string[],
  ) => Validity & { readonly isForCluster: boolean };
  /** Throws when the pair is none. `missing` are the names that the certificate is not good for. */
  readonly inspectLeaf: (leaf: Pair, names: readonly string[]) => Validity & { readonly missing: readonly string[] };
  /** Whether a certificate is signed by a CA; both PEM. */
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
  /** Whether a certificate says that a CA of this name has signed it, by whichever key; both PEM. */
  readonly hasIssuerName: (certificate: string, ca: string) => boolean;
  /** Answers with the paths it changed. */
  readonly writeCaBundle: (pem: string) => Promise<readonly string[]>;
  readonly log: { readonly info: (fields: object, message: string) => void };
}

export const toData = ({ certificate, key }: Pair): Readonly<Record<string, string>> => ({
  'tls.crt': certificate,
  'tls.key': key,
});

export function readPair({ data }: StoredSecret): Pair {
  const { 'tls.crt': certificate = '', 'tls.key': key = '' } = data;
  if (certificate === '' || key === '') throw new Error('expected tls.crt and tls.key');
  return { certificate, key };
}

/** Says in which Secret it is that something is not as it should be. */
export function explain<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`Secret ${name}: ${(error as Error).message}`, { cause: error });
  }
}
