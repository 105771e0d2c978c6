/** One log line and one count for each decision: who, for what, how it ended. Never a token, never a key. */
import type { CertificateOutcome } from '../../api/http/problem.ts';
import type { Decision, Refusal } from './decide.ts';

export interface AuditPorts {
  readonly log: { readonly info: (fields: object, message: string) => void };
  /** Begins to time a request; called at its end, with the outcome. */
  readonly startRequest: () => (outcome: CertificateOutcome) => void;
}

/** Who asked, as far as that is known. */
export interface Caller {
  readonly principal?: string;
}

export interface Audit {
  readonly issued: (caller: Caller, decision: Decision) => void;
  readonly refused: (caller: Caller, refusal: Refusal) => void;
  /** Nothing was decided: a part that is needed did not answer. */
  readonly failed: () => void;
}

const message = 'certificate request decided';

export function startAudit({ log, startRequest }: AuditPorts, requestId: string): Audit {
  const count = startRequest();
  return {
    issued: (caller, { identities, certificate }) => {
      const { serial, subjectKeyId, clientKey } = certificate;
      const key = clientKey === undefined ? 'sent' : 'made';
      const poolUids = identities.map(({ uid }) => uid);
      log.info({ requestId, ...caller, outcome: 'issued', key, serial, subjectKeyId, poolUids }, message);
      count('issued');
    },
    refused: (caller, { code, reason }) => {
      log.info({ requestId, ...caller, outcome: code, reason }, message);
      count(code);
    },
    failed: () => {
      count('unavailable');
    },
  };
}
