/** The certificate that the function `api` serves with, from the CA for servers. */
import type { ReportedCertificate } from '../../api/ca-status.ts';
import { API, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import { isPastHalf, type Validity } from '../../core/authority/rotation.ts';
import { reportRenewed } from '../../core/authority/status.ts';
import { expectThere } from './hierarchy.ts';
import type { Hierarchy } from './observe.ts';
import { explain, readPair, toData, type AuthorityPorts, type Pair, type StoredSecret } from './ports.ts';

/** Every form of the Service's name that Pods of the cluster resolve. */
export const listApiNames = (clusterDomain: string): readonly string[] =>
  ['', `.${SYSTEM_NAMESPACE}`, `.${SYSTEM_NAMESPACE}.svc`, `.${SYSTEM_NAMESPACE}.svc.${clusterDomain}`].map(
    (suffix) => `${API.service}${suffix}`,
  );

interface Found extends Validity {
  readonly pair: Pair;
  readonly secret: StoredSecret;
  readonly missing: readonly string[];
}

/**
 * What is due, to be done once the CA for servers stands. A pair that somebody else's CA has signed is used as it is and
 * not reported: who brings a certificate of their own renews it. Throws when the Secret holds no pair.
 */
export async function prepareApi(
  ports: AuthorityPorts,
): Promise<(hierarchy: Hierarchy) => Promise<ReportedCertificate[]>> {
  const secret = await ports.getSecret(API.tlsSecret);
  const found = secret && explain(API.tlsSecret, () => inspect(ports, secret));
  return async ({ intermediates }) => {
    const { pair: ca } = expectThere(intermediates.servers);
    if (found !== undefined && !ports.hasIssuerName(found.pair.certificate, ca.certificate)) return [];
    const pair = await ensurePair(ports, found, ca);
    const served = { ...ports.inspectLeaf(leafOf(pair), ports.apiNames), certificate: leafOf(pair).certificate };
    return [reportRenewed('api-tls', served)];
  };
}

function inspect({ inspectLeaf, apiNames }: AuthorityPorts, secret: StoredSecret): Found {
  const pair = readPair(secret);
  return { ...inspectLeaf(leafOf(pair), apiNames), pair, secret };
}

/** Without what signed it. */
const leafOf = ({ certificate, key }: Pair): Pair => ({ certificate: splitBundle(certificate)[0] ?? '', key });

/** The pair that stands then. */
async function ensurePair(ports: AuthorityPorts, found: Found | undefined, ca: Pair): Promise<Pair> {
  if (found !== undefined && !isStale(ports, found, ca)) return found.pair;
  const pair = ports.makeServerLeaf(ca, { commonName: API.service, names: ports.apiNames });
  if (found !== undefined) {
    await ports.changeSecret(API.tlsSecret, found.secret, toData(pair));
    ports.log.info({ secret: API.tlsSecret }, 'certificate of the API renewed');
  } else if (await ports.createSecret(API.tlsSecret, toData(pair))) {
    ports.log.info({ secret: API.tlsSecret }, 'Secret created');
  } else {
    throw new Error(`Secret ${API.tlsSecret}: expected none, got one made meanwhile`);
  }
  return pair;
}

const isStale = ({ isSignedBy, now }: AuthorityPorts, found: Found, ca: Pair): boolean =>
  found.missing.length > 0 || isPastHalf(found, now) || !isSignedBy(found.pair.certificate, ca.certificate);
