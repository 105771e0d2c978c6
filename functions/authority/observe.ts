/** Reads and inspects the root, the intermediates and the trust bundle; writes nothing. */
import { CA_SECRETS, FORMER_CA_SECRET } from '../../api/names.ts';
import { joinBundle, splitBundle } from '../../core/authority/bundle.ts';
import type { IntermediateName, ObservedHierarchy, ObservedIntermediate } from '../../core/authority/hierarchy.ts';
import { parseTime } from '../../core/authority/status.ts';
import { explain, readPair, type AuthorityPorts, type Pair, type StoredSecret, type StoredTrust } from './ports.ts';
import { readRotatingCa, trustedOf, type RotatingCa } from './rotating-ca.ts';

/** What stands, as far as it was read and written in this run; a `secret` is there until it is written. */
export interface Hierarchy {
  readonly root: { readonly ca: RotatingCa; readonly secret: StoredSecret | undefined } | undefined;
  readonly former: Pair | undefined;
  readonly trust: StoredTrust | undefined;
  readonly intermediates: Readonly<Record<IntermediateName, Intermediate | undefined>>;
}

export interface Intermediate {
  readonly pair: Pair;
  readonly secret: StoredSecret | undefined;
}

/** Throws when something can't be read, or holds something else than it should. */
export async function gather({ getSecret, getTrust }: AuthorityPorts): Promise<Hierarchy> {
  const secret = await getSecret(CA_SECRETS.root);
  const former = secret === undefined ? await getSecret(FORMER_CA_SECRET) : undefined;
  return {
    root: secret && { ca: explain(CA_SECRETS.root, () => readRotatingCa(secret)), secret },
    former: former && explain(FORMER_CA_SECRET, () => readPair(former)),
    trust: await getTrust(),
    intermediates: {
      clients: readIntermediate('clients', await getSecret(CA_SECRETS.clients)),
      servers: readIntermediate('servers', await getSecret(CA_SECRETS.servers)),
    },
  };
}

const readIntermediate = (name: IntermediateName, secret: StoredSecret | undefined): Intermediate | undefined =>
  secret && { pair: explain(CA_SECRETS[name], () => readPair(secret)), secret };

/** Throws when a pair is not what it should be. */
export function observe(ports: AuthorityPorts, { root, former, trust, intermediates }: Hierarchy): ObservedHierarchy {
  const trusted = root === undefined ? [] : trustedOf(root.ca);
  const stored = splitBundle(trust?.roots ?? '');
  if (former !== undefined) explain(FORMER_CA_SECRET, () => ports.inspectRoot(former));
  return {
    root: root && explain(CA_SECRETS.root, () => observeRoot(ports, root.ca)),
    hasFormer: former !== undefined,
    bundle: trust && {
      hasCurrent: root !== undefined && stored.includes(root.ca.current.certificate.trim()),
      stableSince: joinBundle(stored) === joinBundle(trusted) ? parseTime(trust.publishedAt) : undefined,
    },
    intermediates: {
      clients: observeIntermediate(ports, 'clients', { found: intermediates.clients, root: root?.ca }),
      servers: observeIntermediate(ports, 'servers', { found: intermediates.servers, root: root?.ca }),
    },
    askedAt: ports.askedAt,
  };
}

function observeRoot({ inspectRoot }: AuthorityPorts, ca: RotatingCa): NonNullable<ObservedHierarchy['root']> {
  if (ca.next !== undefined) inspectRoot(ca.next);
  if (ca.previous !== undefined && ca.previous.end === undefined) throw new Error('expected previous.end');
  return { current: inspectRoot(ca.current), hasNext: ca.next !== undefined, previousEnd: ca.previous?.end };
}

function observeIntermediate(
  ports: AuthorityPorts,
  name: IntermediateName,
  { found, root }: { readonly found: Intermediate | undefined; readonly root: RotatingCa | undefined },
): ObservedIntermediate | undefined {
  if (found === undefined) return undefined;
  // Without a root there is nothing to compare it with: that it is there is what counts.
  if (root === undefined) return { notBefore: 0, notAfter: 0, isOfCurrentRoot: false, isForCluster: false };
  const { pair } = found;
  return {
    ...explain(CA_SECRETS[name], () => ports.inspectIntermediate(name, pair, trustedOf(root))),
    isOfCurrentRoot: ports.isSignedBy(pair.certificate, root.current.certificate),
  };
}
