/** The CAs as a person sees them: what the authority tells, held against the certificates and the bundle. No I/O. No clock. */
import type { CaStatus, ReportedCertificate } from '../../api/ca-status.ts';
import { overdueSeconds } from '../../api/limits/authority.ts';
import { splitBundle } from './bundle.ts';
import { formatTime, parseTime } from './status.ts';
import type { Validity } from './rotation.ts';

export interface CertificateFacts extends Validity {
  readonly subject: string;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ShownCertificate {
  readonly name: ReportedCertificate['name'];
  readonly role: ReportedCertificate['role'];
  readonly subject: string;
  readonly serial: string;
  readonly sha256: string;
  /** RFC 3339, as are all times. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** `itself`, or name and role of the one among these that has signed it. */
  readonly signedBy: string | null;
  readonly next: NonNullable<ReportedCertificate['next']> | null;
}

export interface ShownCa {
  readonly certificates: readonly ShownCertificate[];
  /** What is not as it should be, one sentence each. */
  readonly problems: readonly string[];
}

export interface ShowFacts {
  readonly status: CaStatus;
  /** The trust bundle, PEM. */
  readonly roots: string;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Throws for what is no certificate. */
  readonly describe: (pem: string) => CertificateFacts;
  /** Both PEM. */
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
}

export function showCa({ status, roots, now, describe, isSignedBy }: ShowFacts): ShownCa {
  const reported = status.certificates;
  const issuers = reported.filter(({ name }) => name !== 'api-tls' && name !== 'webhook-tls');
  const findIssuer = ({ certificate }: ReportedCertificate): string | null => {
    const issuer = issuers.find((candidate) => isSignedBy(certificate, candidate.certificate));
    if (issuer === undefined) return null;
    return issuer.certificate === certificate ? 'itself' : label(issuer);
  };
  const certificates = reported.map((found) => {
    const { notBefore, notAfter, ...facts } = describe(found.certificate);
    const validity = { notBefore: formatTime(notBefore), notAfter: formatTime(notAfter) };
    const { name, role, next = null } = found;
    return { name, role, ...facts, ...validity, signedBy: findIssuer(found), next };
  });
  const reportedRoots = reported.filter(({ name }) => name === 'root').map(({ certificate }) => certificate.trim());
  const problems = certificates.flatMap((certificate) => findProblems(certificate, now));
  const isBundleReported = splitBundle(roots).toString() === reportedRoots.toString();
  return { certificates, problems: [...(isBundleReported ? [] : [strangeBundle]), ...problems] };
}

const strangeBundle = 'the trust bundle holds other roots than the authority reported in its last run';

const label = ({ name, role }: Pick<ReportedCertificate, 'name' | 'role'>): string =>
  role === 'current' ? name : `${role} ${name}`;

function findProblems(shown: ShownCertificate, now: number): string[] {
  const due = parseTime(shown.next?.notBefore);
  return [
    ...(shown.signedBy === null ? [`${label(shown)}: expected one signed by a CA of these`] : []),
    ...((parseTime(shown.notAfter) ?? 0) <= now ? [`${label(shown)}: has ended`] : []),
    ...(due !== undefined && due + overdueSeconds < now
      ? [`${label(shown)}: overdue since ${shown.next?.notBefore ?? ''}: does the authority run every day?`]
      : []),
  ];
}
