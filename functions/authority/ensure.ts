/** What must exist before anything else runs: key pairs, made once, and replaced with overlap. */
import { isPastHalf, planCa, type CaStep, type Validity } from '../../core/authority/rotation.ts';
import { CA_SECRETS, ROTATION_KEYS, SYSTEM_NAMESPACE, WEBHOOKS } from '../../api/names.ts';

/** PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface StoredSecret {
  readonly data: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
}

export interface AuthorityPorts {
  /** Seconds since the epoch. */
  readonly now: number;
  readonly getSecret: (name: string) => Promise<StoredSecret | undefined>;
  /** False where there is one already. */
  readonly createSecret: (name: string, data: Readonly<Record<string, string>>) => Promise<boolean>;
  /** Null removes a key. Throws when the Secret was written since it was read. */
  readonly changeSecret: (
    name: string,
    read: StoredSecret,
    data: Readonly<Record<string, string | null>>,
  ) => Promise<void>;
  readonly makeClientRoot: () => Pair;
  readonly makeWebhookRoot: () => Pair;
  readonly makeWebhookLeaf: (ca: Pair, names: readonly string[]) => Pair;
  /** Throws when the pair is no CA that may sign now. */
  readonly inspectRoot: (root: Pair) => Validity;
  /** Throws when the pair is none. `missing` are the names that the certificate is not good for. */
  readonly inspectLeaf: (leaf: Pair, names: readonly string[]) => Validity & { readonly missing: readonly string[] };
  /** Whether a certificate is signed by a CA; both PEM. */
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
  /** Answers with the paths it changed. */
  readonly writeCaBundle: (pem: string) => Promise<readonly string[]>;
  readonly log: { readonly info: (fields: object, message: string) => void };
}

interface WebhookCa {
  readonly current: Pair;
  readonly next: Pair | undefined;
  /** Certificate, PEM. */
  readonly previous: string | undefined;
}

/**
 * Safe to run again at any time. A Secret that is there is used, replaced when its time has come, or is an error:
 * a new CA ends every certificate of the old one, so that is never the answer to a failed read.
 */
export async function ensureAuthority(ports: AuthorityPorts, webhookNames: readonly string[]): Promise<void> {
  const clients = await ensureSecret(ports, CA_SECRETS.clients, ports.makeClientRoot);
  explain(CA_SECRETS.clients, () => ports.inspectRoot(readPair(clients)));

  const secret = await ensureSecret(ports, CA_SECRETS.webhooks, ports.makeWebhookRoot);
  const found = explain(CA_SECRETS.webhooks, () => readWebhookCa(secret));
  const names = [...serviceNames, ...webhookNames];
  const leaf = await readLeaf(ports, found, names);
  const planStep = explain(CA_SECRETS.webhooks, () => readStep(ports, found, leaf));

  const isTrustSettled = !(await writeBundle(ports, found));
  const ca = await takeStep(ports, secret, { ca: found, step: planStep(isTrustSettled) });
  await writeBundle(ports, ca);
  await ensureLeaf(ports, leaf, { ca, names });
}

/** The apiserver asks for `<service>.<namespace>.svc`, whatever the cluster's domain is. */
const serviceNames = [`${WEBHOOKS.service}.${SYSTEM_NAMESPACE}.svc`];

/** What stands in the Secret, by whomever it was made. */
async function ensureSecret(ports: AuthorityPorts, name: string, make: () => Pair): Promise<StoredSecret> {
  const found = await ports.getSecret(name);
  if (found !== undefined) return found;
  if (await ports.createSecret(name, toData(make()))) ports.log.info({ secret: name }, 'Secret created');
  const created = await ports.getSecret(name);
  if (created === undefined) throw new Error(`Secret ${name}: expected it to stay, but it was deleted`);
  return created;
}

const toData = ({ certificate, key }: Pair) => ({ 'tls.crt': certificate, 'tls.key': key });

function readPair({ data }: StoredSecret): Pair {
  const { 'tls.crt': certificate = '', 'tls.key': key = '' } = data;
  if (certificate === '' || key === '') throw new Error('expected tls.crt and tls.key');
  return { certificate, key };
}

function readWebhookCa(secret: StoredSecret): WebhookCa {
  const { [ROTATION_KEYS.nextCertificate]: certificate, [ROTATION_KEYS.nextKey]: key } = secret.data;
  if ((certificate === undefined) !== (key === undefined))
    throw new Error('expected next.crt and next.key, or neither');
  return {
    current: readPair(secret),
    next: certificate === undefined || key === undefined ? undefined : { certificate, key },
    previous: secret.data[ROTATION_KEYS.previousCertificate],
  };
}

/** Everything is inspected before anything is written. */
function readStep(
  ports: AuthorityPorts,
  { current, next, previous }: WebhookCa,
  leaf: Leaf | undefined,
): (isTrustSettled: boolean) => CaStep {
  const facts = {
    now: ports.now,
    current: ports.inspectRoot(current),
    next: next === undefined ? undefined : ports.inspectRoot(next),
    hasPrevious: previous !== undefined,
    leaf: leaf !== undefined && ports.isSignedBy(leaf.certificate, current.certificate) ? leaf : undefined,
  };
  return (isTrustSettled) => planCa({ ...facts, isTrustSettled });
}

/** The certificate the webhooks serve. */
interface Leaf extends Validity {
  readonly certificate: string;
  readonly missing: readonly string[];
  readonly secret: StoredSecret;
}

async function readLeaf(ports: AuthorityPorts, ca: WebhookCa, names: readonly string[]): Promise<Leaf | undefined> {
  const secret = await ports.getSecret(WEBHOOKS.tlsSecret);
  if (secret === undefined) return undefined;
  return explain(WEBHOOKS.tlsSecret, () => {
    const pair = readPair(secret);
    const inspected = ports.inspectLeaf(pair, names);
    const issuers = [ca.current.certificate, ...(ca.previous === undefined ? [] : [ca.previous])];
    if (!issuers.some((issuer) => ports.isSignedBy(pair.certificate, issuer))) {
      throw new Error('certificate: expected one signed by the webhook CA');
    }
    return { ...inspected, certificate: pair.certificate, secret };
  });
}

async function takeStep(
  { changeSecret, makeWebhookRoot, log }: AuthorityPorts,
  secret: StoredSecret,
  { ca, step }: { readonly ca: WebhookCa; readonly step: CaStep },
): Promise<WebhookCa> {
  if (step === 'none') return ca;
  const { current, next = makeWebhookRoot() } = ca;
  const steps: Record<typeof step, WebhookCa> = {
    prepare: { current, next, previous: undefined },
    promote: { current: next, next: undefined, previous: current.certificate },
    retire: { current, next: undefined, previous: undefined },
  };
  const changed = steps[step];
  await changeSecret(CA_SECRETS.webhooks, secret, {
    ...toData(changed.current),
    [ROTATION_KEYS.nextCertificate]: changed.next?.certificate ?? null,
    [ROTATION_KEYS.nextKey]: changed.next?.key ?? null,
    [ROTATION_KEYS.previousCertificate]: changed.previous ?? null,
  });
  log.info({ step }, 'webhook CA rotated');
  return changed;
}

/** Whether anything had to be changed. */
async function writeBundle(ports: AuthorityPorts, { previous, current, next }: WebhookCa): Promise<boolean> {
  const certificates = [previous, current.certificate, next?.certificate];
  const changed = await ports.writeCaBundle(certificates.filter((pem) => pem !== undefined).join(''));
  for (const path of changed) ports.log.info({ path }, 'CA bundle written');
  return changed.length > 0;
}

async function ensureLeaf(
  ports: AuthorityPorts,
  leaf: Leaf | undefined,
  { ca, names }: { readonly ca: WebhookCa; readonly names: readonly string[] },
): Promise<void> {
  const name = WEBHOOKS.tlsSecret;
  const make = () => ports.makeWebhookLeaf(ca.current, names);
  if (leaf === undefined) {
    await ensureSecret(ports, name, make);
  } else if (isStale(ports, leaf, ca)) {
    await ports.changeSecret(name, leaf.secret, toData(make()));
    ports.log.info({ secret: name }, 'webhook certificate renewed');
  }
}

const isStale = ({ isSignedBy, now }: AuthorityPorts, leaf: Leaf, { current }: WebhookCa): boolean =>
  leaf.missing.length > 0 || isPastHalf(leaf, now) || !isSignedBy(leaf.certificate, current.certificate);

/** Says in which Secret it is that something is not as it should be. */
function explain<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`Secret ${name}: ${(error as Error).message}`, { cause: error });
  }
}
