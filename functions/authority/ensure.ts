/** What must exist before anything else runs: each key pair made once, and never again. */
import { CA_SECRETS, SYSTEM_NAMESPACE, WEBHOOKS } from '../../api/names.ts';

/** PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityPorts {
  readonly getSecret: (name: string) => Promise<Pair | undefined>;
  /** False where there is one already. */
  readonly createSecret: (name: string, pair: Pair) => Promise<boolean>;
  readonly makeClientRoot: () => Pair;
  readonly makeWebhookRoot: () => Pair;
  readonly makeWebhookLeaf: (ca: Pair, names: readonly string[]) => Pair;
  /** Throw when the pair is not what is needed. */
  readonly checkRoot: (root: Pair) => void;
  readonly checkWebhookLeaf: (leaf: Pair, ca: Pair, names: readonly string[]) => void;
  readonly writeCaBundle: (pem: string) => Promise<readonly string[]>;
  readonly log: { readonly info: (fields: object, message: string) => void };
}

/**
 * Safe to run again and at the same time as itself. A Secret that is there is used or is an error: replacing a CA
 * would end every certificate it signed, so that is never the answer to a failed read.
 */
export async function ensureAuthority(ports: AuthorityPorts, webhookNames: readonly string[]): Promise<void> {
  await ensure(ports, CA_SECRETS.clients, { make: ports.makeClientRoot, check: ports.checkRoot });
  const webhookCa = await ensure(ports, CA_SECRETS.webhooks, { make: ports.makeWebhookRoot, check: ports.checkRoot });
  const names = [...serviceNames, ...webhookNames];
  await ensure(ports, WEBHOOKS.tlsSecret, {
    make: () => ports.makeWebhookLeaf(webhookCa, names),
    check: (leaf) => {
      ports.checkWebhookLeaf(leaf, webhookCa, names);
    },
  });
  for (const path of await ports.writeCaBundle(webhookCa.certificate)) {
    ports.log.info({ path }, 'CA bundle written');
  }
}

/** The apiserver asks for `<service>.<namespace>.svc`, whatever the cluster's domain is. */
const serviceNames = [`${WEBHOOKS.service}.${SYSTEM_NAMESPACE}.svc`];

interface Recipe {
  readonly make: () => Pair;
  readonly check: (pair: Pair) => void;
}

/** The pair that stands in the Secret, by whomever it was made. */
async function ensure({ getSecret, createSecret, log }: AuthorityPorts, name: string, recipe: Recipe): Promise<Pair> {
  let pair = await getSecret(name);
  if (pair === undefined) {
    const made = recipe.make();
    const isOurs = await createSecret(name, made);
    if (isOurs) log.info({ secret: name }, 'Secret created');
    pair = isOurs ? made : await getSecret(name);
  }
  if (pair === undefined) throw new Error(`Secret ${name}: expected it to stay, but it was deleted`);
  try {
    recipe.check(pair);
  } catch (error) {
    throw new Error(`Secret ${name}: ${(error as Error).message}`, { cause: error });
  }
  return pair;
}
