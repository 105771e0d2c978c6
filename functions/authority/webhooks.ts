/** The CA of the webhooks, what they serve with, and the apiserver's trust in it. */
import type { ReportedCertificate } from '../../api/ca-status.ts';
import { webhookOverlapSeconds } from '../../api/limits/authority.ts';
import { CA_SECRETS, SYSTEM_NAMESPACE, WEBHOOKS } from '../../api/names.ts';
import { isPastHalf, madeAt, planCa, type CaStep, type Validity } from '../../core/authority/rotation.ts';
import { reportCa, reportRenewed } from '../../core/authority/status.ts';
import { explain, readPair, toData, type AuthorityPorts, type Pair, type StoredSecret } from './ports.ts';
import { advance, readRotatingCa, toRotatingData, trustedOf, type RotatingCa } from './rotating-ca.ts';

interface Found {
  readonly ca: RotatingCa;
  readonly secret: StoredSecret;
  readonly leaf: Leaf | undefined;
}

/** The certificate the webhooks serve. */
interface Leaf extends Validity {
  readonly certificate: string;
  readonly missing: readonly string[];
  readonly secret: StoredSecret;
}

/** The apiserver asks for `<service>.<namespace>.svc`, whatever the cluster's domain is. */
const serviceNames = [`${WEBHOOKS.service}.${SYSTEM_NAMESPACE}.svc`];

/** What is due, to be done later. Throws when something is lost, broken, or belongs to something else. */
export async function prepareWebhooks(
  ports: AuthorityPorts,
  extraNames: readonly string[],
): Promise<() => Promise<ReportedCertificate[]>> {
  const names = [...serviceNames, ...extraNames];
  const found = await gather(ports, names);
  const planStep = found && explain(CA_SECRETS.webhooks, () => readStep(ports, found));
  return async () => {
    if (found === undefined || planStep === undefined) return await makeAll(ports, names);
    const isTrustStable = !(await writeBundle(ports, found.ca));
    const ca = await takeStep(ports, found, planStep(isTrustStable));
    await writeBundle(ports, ca);
    return report(ports, ca, await ensureLeaf(ports, found.leaf, { ca, names }), names);
  };
}

async function gather(ports: AuthorityPorts, names: readonly string[]): Promise<Found | undefined> {
  const secret = await ports.getSecret(CA_SECRETS.webhooks);
  const leafSecret = await ports.getSecret(WEBHOOKS.tlsSecret);
  if (secret === undefined) {
    if (leafSecret !== undefined) throw new Error(lostCa);
    return undefined;
  }
  const ca = explain(CA_SECRETS.webhooks, () => readRotatingCa(secret));
  return { ca, secret, leaf: leafSecret && readLeaf(ports, leafSecret, { ca, names }) };
}

const lostCa =
  `Secret ${CA_SECRETS.webhooks}: expected the CA of Secret ${WEBHOOKS.tlsSecret}, got none: restore it from a ` +
  `backup, or, to begin anew, delete Secret ${WEBHOOKS.tlsSecret} too`;

function readLeaf(
  ports: AuthorityPorts,
  secret: StoredSecret,
  { ca, names }: { readonly ca: RotatingCa; readonly names: readonly string[] },
): Leaf {
  return explain(WEBHOOKS.tlsSecret, () => {
    const pair = readPair(secret);
    const inspected = ports.inspectLeaf(pair, names);
    const issuers = trustedOf({ ...ca, next: undefined });
    if (!issuers.some((issuer) => ports.isSignedBy(pair.certificate, issuer))) {
      throw new Error('certificate: expected one signed by the webhook CA');
    }
    return { ...inspected, certificate: pair.certificate, secret };
  });
}

/** Everything is inspected before anything is written. */
function readStep(
  { now, inspectRoot, isSignedBy }: AuthorityPorts,
  { ca: { current, next, previous }, leaf }: Found,
): (isTrustStable: boolean) => CaStep {
  const nextValidity = next && inspectRoot(next);
  const isLeafOfCurrent = leaf !== undefined && isSignedBy(leaf.certificate, current.certificate);
  const isPreviousUnused = isLeafOfCurrent && now >= madeAt(leaf) + webhookOverlapSeconds;
  const facts = {
    now,
    current: inspectRoot(current),
    previous: previous === undefined ? ('none' as const) : isPreviousUnused ? ('unused' as const) : ('used' as const),
    overlapSeconds: webhookOverlapSeconds,
    askedAt: undefined,
  };
  return (isTrustStable) =>
    planCa({ ...facts, next: nextValidity && { trustedSince: isTrustStable ? madeAt(nextValidity) : undefined } });
}

async function makeAll(ports: AuthorityPorts, names: readonly string[]): Promise<ReportedCertificate[]> {
  const secret = await ensureSecret(ports, CA_SECRETS.webhooks, ports.makeWebhookRoot);
  const ca = explain(CA_SECRETS.webhooks, () => readRotatingCa(secret));
  await writeBundle(ports, ca);
  return report(ports, ca, await ensureLeaf(ports, undefined, { ca, names }), names);
}

async function takeStep(ports: AuthorityPorts, { ca, secret }: Found, step: CaStep): Promise<RotatingCa> {
  if (step === 'none') return ca;
  const changed = advance(ca, step, { make: ports.makeWebhookRoot, end: undefined });
  await ports.changeSecret(CA_SECRETS.webhooks, secret, toRotatingData(changed));
  ports.log.info({ step }, 'webhook CA rotated');
  return changed;
}

/** Whether anything had to be changed. */
async function writeBundle(ports: AuthorityPorts, ca: RotatingCa): Promise<boolean> {
  const changed = await ports.writeCaBundle(trustedOf(ca).join(''));
  for (const path of changed) ports.log.info({ path }, 'CA bundle written');
  return changed.length > 0;
}

/** The pair that stands then. */
async function ensureLeaf(
  ports: AuthorityPorts,
  leaf: Leaf | undefined,
  { ca, names }: { readonly ca: RotatingCa; readonly names: readonly string[] },
): Promise<Pair> {
  const name = WEBHOOKS.tlsSecret;
  const make = () => ports.makeWebhookLeaf(ca.current, names);
  if (leaf === undefined) return readPair(await ensureSecret(ports, name, make));
  if (!isStale(ports, leaf, ca)) return readPair(leaf.secret);
  const pair = make();
  await ports.changeSecret(name, leaf.secret, toData(pair));
  ports.log.info({ secret: name }, 'webhook certificate renewed');
  return pair;
}

const isStale = ({ isSignedBy, now }: AuthorityPorts, leaf: Leaf, { current }: RotatingCa): boolean =>
  leaf.missing.length > 0 || isPastHalf(leaf, now) || !isSignedBy(leaf.certificate, current.certificate);

/** What stands in the Secret, by whomever it was made. */
async function ensureSecret(ports: AuthorityPorts, name: string, make: () => Pair): Promise<StoredSecret> {
  if (await ports.createSecret(name, toData(make()))) ports.log.info({ secret: name }, 'Secret created');
  const created = await ports.getSecret(name);
  if (created === undefined) throw new Error(`Secret ${name}: expected it to stay, but it was deleted`);
  return created;
}

function report(ports: AuthorityPorts, ca: RotatingCa, leaf: Pair, names: readonly string[]): ReportedCertificate[] {
  const { current, next, previous } = ca;
  const served = { ...ports.inspectLeaf(leaf, names), certificate: leaf.certificate };
  const isOfCurrent = ports.isSignedBy(leaf.certificate, current.certificate);
  return [
    ...reportCa({
      name: 'webhooks',
      current: { certificate: current.certificate, ...ports.inspectRoot(current) },
      next: next && {
        certificate: next.certificate,
        promotedFrom: madeAt(ports.inspectRoot(next)) + webhookOverlapSeconds,
      },
      previous: previous && {
        certificate: previous.certificate,
        retiredFrom: isOfCurrent ? madeAt(served) + webhookOverlapSeconds : undefined,
      },
    }),
    reportRenewed('webhook-tls', served),
  ];
}
