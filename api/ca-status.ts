/** What the authority tells of the CAs, in the ConfigMap of the trust bundle: no key, so whoever may read it may know. */
import * as z from 'zod';

/** `current` signs, `next` will sign and is trusted already, `previous` has signed and is trusted still. */
export const CA_ROLES = ['previous', 'current', 'next'] as const;

const reportedCertificate = z.object({
  name: z.enum(['root', 'clients', 'servers', 'api-tls', 'webhooks', 'webhook-tls']),
  role: z.enum(CA_ROLES),
  /** PEM. */
  certificate: z.string(),
  /** What happens to it next, and not before when, RFC 3339. */
  next: z.object({ action: z.enum(['replace', 'renew', 'promote', 'retire']), notBefore: z.iso.datetime() }).optional(),
});
export type ReportedCertificate = z.infer<typeof reportedCertificate>;

export const caStatus = z.object({
  certificates: z.array(reportedCertificate),
});
export type CaStatus = z.infer<typeof caStatus>;
