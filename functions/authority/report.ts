/** Tells of the CAs where whoever may read the trust bundle can read it. */
import type { ReportedCertificate } from '../../api/ca-status.ts';
import { rootOverlapSeconds } from '../../api/limits/authority.ts';
import { INTERMEDIATES } from '../../core/authority/hierarchy.ts';
import { parseTime, reportCa, reportRenewed } from '../../core/authority/status.ts';
import { expectThere } from './hierarchy.ts';
import type { Hierarchy } from './observe.ts';
import type { AuthorityPorts, StoredTrust } from './ports.ts';
import { trustedOf } from './rotating-ca.ts';

/** Written only where it says something new. */
export async function publishStatus(
  ports: AuthorityPorts,
  trust: StoredTrust,
  certificates: readonly ReportedCertificate[],
): Promise<void> {
  const status = `${JSON.stringify({ certificates }, undefined, 2)}\n`;
  const { roots = '', publishedAt = '' } = trust;
  if (trust.status !== status) await ports.writeTrust(trust, { roots, publishedAt, status });
}

export function reportHierarchy(ports: AuthorityPorts, hierarchy: Hierarchy): ReportedCertificate[] {
  const { ca } = expectThere(hierarchy.root);
  const { current, next, previous } = ca;
  const published = parseTime(hierarchy.trust?.publishedAt);
  const root = reportCa({
    name: 'root',
    current: { certificate: current.certificate, ...ports.inspectRoot(current) },
    next: next && { certificate: next.certificate, promotedFrom: published && published + rootOverlapSeconds },
    previous: previous && { certificate: previous.certificate, retiredFrom: previous.end },
  });
  const intermediates = INTERMEDIATES.map((name) => {
    const { pair } = expectThere(hierarchy.intermediates[name]);
    const validity = ports.inspectIntermediate(name, pair, trustedOf(ca));
    return reportRenewed(name, { ...validity, certificate: pair.certificate });
  });
  return [...root, ...intermediates];
}
