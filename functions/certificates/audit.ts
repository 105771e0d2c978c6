/** One log line and one count for each decision: who, for what, how it ended. Never a token, never a key. */
import type { CertificateOutcome } from '../../api/http/problem.ts';
import type { Principal } from '../../core/principal.ts';
import type { Decision } from '../../core/certificates/decide.ts';
import type { Refusal } from '../../core/certificates/refusals.ts';

export interface AuditPorts {
  readonly log: { readonly info: (fields: object, message: string) => void };
  /** Begins to time a request; called at its end, with the outcome. */
  readonly startRequest: () => (outcome: CertificateOutcome) => void;
}

export interface Audit {
  readonly issued: (decision: Decision) => void;
  readonly refused: (refusal: Refusal) => void;
  /** Nothing was decided: a part that is needed did not answer. */
  readonly failed: () => void;
}

const message = 'certificate request decided';

export function startAudit({ log, startRequest }: AuditPorts, requestId: string): Audit {
  const count = startRequest();
  return {
    issued: ({ principal, identities, certificate }) => {
      const { serial, subjectKeyId, clientKey } = certificate;
      const key = clientKey === undefined ? 'sent' : 'made';
      const poolUids = identities.map(({ uid }) => uid);
      log.info({ requestId, ...describe(principal), outcome: 'issued', key, serial, subjectKeyId, poolUids }, message);
      count('issued');
    },
    refused: ({ principal, code, reason }) => {
      const who = principal === undefined ? {} : describe(principal);
      log.info({ requestId, ...who, outcome: code, ...(reason === undefined ? {} : { reason }) }, message);
      count(code);
    },
    failed: () => {
      count('unavailable');
    },
  };
}

/** Who it is, and by whose word. */
const describe = ({ user, vouched, tokenId }: Principal) => ({
  principal: user.username,
  ...(vouched === undefined ? {} : { issuerUid: vouched.by.uid }),
  ...(tokenId === undefined ? {} : { tokenId }),
});
