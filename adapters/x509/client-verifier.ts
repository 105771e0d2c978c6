/** Whether a client's certificate is one of the client CA, and what it says. */
import { hash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caFileCacheMs } from '../../api/limits/certificates.ts';
import type { ShownCertificate } from '../../core/allocation/certificate.ts';
import { splitBundle } from '../../core/authority/bundle.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isForCluster } from './authorities.ts';
import type { ClientIssuerOptions } from './client-issuer.ts';
import { readUris } from './names.ts';

export interface ShownChain {
  /** DER of the client's own certificate. */
  readonly certificate: Uint8Array;
  /** DER of the CA that signed it, as the client showed it; the one that signs now when absent. */
  readonly issuer: Uint8Array | undefined;
}

/** Rejects while there is no CA to verify by. */
export type VerifyClient = (chain: ShownChain) => Promise<Result<ShownCertificate, string>>;

interface Trusted {
  readonly current: X509Certificate;
  readonly roots: readonly X509Certificate[];
}

export function createClientVerifier(options: ClientIssuerOptions): VerifyClient {
  const { clusterFqdn, now } = options;
  let held: { readonly trusted: Promise<Trusted>; readonly untilMs: number } | undefined;

  async function findTrusted(): Promise<Trusted> {
    if (held === undefined || held.untilMs <= now())
      held = { trusted: readTrusted(options), untilMs: now() + caFileCacheMs };
    try {
      return await held.trusted;
    } catch (error) {
      held = undefined;
      throw error;
    }
  }

  return async (chain) => {
    const { current, roots } = await findTrusted();
    try {
      const issuer = chain.issuer === undefined ? current : new X509Certificate(chain.issuer);
      const fault = findIssuerFault(issuer, { roots, clusterFqdn, now });
      return fault === undefined ? readClient(new X509Certificate(chain.certificate), issuer) : err(fault);
    } catch (error) {
      return err(`certificate: expected X.509 in DER, got ${(error as Error).message}`);
    }
  };
}

async function readTrusted({ caFolder }: ClientIssuerOptions): Promise<Trusted> {
  const [current, bundle] = await Promise.all(
    ['tls.crt', 'ca.crt'].map((name) => readFile(join(caFolder, name), 'utf8')),
  );
  return {
    current: new X509Certificate(current ?? ''),
    roots: splitBundle(bundle ?? '').map((root) => new X509Certificate(root)),
  };
}

/** The name constraints are what tells the CA for clients from that for servers. */
function findIssuerFault(
  issuer: X509Certificate,
  {
    roots,
    clusterFqdn,
    now,
  }: { readonly roots: readonly X509Certificate[] } & Pick<ClientIssuerOptions, 'clusterFqdn' | 'now'>,
): string | undefined {
  const isSigned = roots.some((root) => isSignedBy(issuer, root));
  if (!issuer.ca || !isSigned)
    return 'certificate: expected one of the client CA of this cluster, got one of another CA';
  if (!isForCluster(issuer.toString(), clusterFqdn))
    return `certificate: expected one of a CA for clients of ${clusterFqdn}`;
  const isValid = issuer.validFromDate.getTime() <= now() && now() < issuer.validToDate.getTime();
  return isValid ? undefined : 'certificate: the CA that signed it has expired; ask for a new one';
}

const isSignedBy = (certificate: X509Certificate, ca: X509Certificate): boolean =>
  certificate.checkIssued(ca) && certificate.verify(ca.publicKey);

const clientAuth = '1.3.6.1.5.5.7.3.2';

function readClient(leaf: X509Certificate, issuer: X509Certificate): Result<ShownCertificate, string> {
  if (!isSignedBy(leaf, issuer))
    return err('certificate: expected one of the client CA of this cluster, got one of another CA');
  if (leaf.ca || leaf.keyUsage.join() !== clientAuth) return err('certificate: expected one for clients');
  const uris = readUris(leaf.raw);
  if (!uris.ok) return uris;
  return ok({
    uris: uris.value,
    notBefore: leaf.validFromDate.getTime() / 1000,
    notAfter: leaf.validToDate.getTime() / 1000,
    fingerprint: hash('sha256', leaf.raw),
  });
}
