/** What some users ask of an apiserver, as its audit log tells. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** audit.k8s.io/v1 Event, as far as it is read here. */
export interface AuditedCall {
  /** Seconds and microseconds, RFC 3339. */
  readonly requestReceivedTimestamp: string;
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

export interface Audit {
  /** Flags for the apiserver. */
  readonly flags: readonly string[];
  /** Calls that are over, and watches that are open or over, in the order of that. */
  readonly read: () => Promise<readonly AuditedCall[]>;
}

/** Keeps policy and log in the folder, which must exist. */
export async function createAudit(folder: string, users: readonly string[]): Promise<Audit> {
  const policy = join(folder, 'audit-policy.json');
  const log = join(folder, 'audit.log');
  const rules = [{ level: 'Metadata', users }, { level: 'None' }];
  const omitStages = ['RequestReceived'];
  await writeFile(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages, rules }));
  return {
    flags: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
    read: async () => {
      const text = await readFile(log, 'utf8').catch(() => '');
      // What follows the last line break is still being written.
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as AuditedCall);
    },
  };
}
