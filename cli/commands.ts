/** What `bkctl` does, over ports; each answers with the exit status. */
import { caStatus, type CaStatus } from '../api/ca-status.ts';
import { TRUST_BUNDLE } from '../api/names.ts';
import { formatTime } from '../core/authority/status.ts';
import { showCa, type CertificateFacts, type ShownCa, type ShownCertificate } from '../core/authority/show.ts';
import { err, ok, type Result } from '../core/result.ts';

export interface CommandPorts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A few characters that no other call gets. */
  readonly newSuffix: () => string;
  /** The ConfigMap of the trust bundle; undefined where there is none. */
  readonly getTrust: () => Promise<{ readonly roots?: string; readonly status?: string } | undefined>;
  /** False where no authority has ever run. */
  readonly requestRotation: (time: string) => Promise<boolean>;
  readonly startJob: (suffix: string) => Promise<{ readonly job: string } | { readonly reason: string }>;
  /** Throws for what is no certificate. */
  readonly describe: (pem: string) => CertificateFacts;
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
  readonly write: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** 0; 1 where something is not as it should be, which is told on stderr. */
export async function runCaShow(ports: CommandPorts, { json }: { readonly json: boolean }): Promise<number> {
  const read = await readCa(ports);
  if (!read.ok) return complain(ports, read.error);
  const { certificates, problems } = read.value.shown;
  if (json) ports.write(JSON.stringify({ certificates, problems, bundle: read.value.roots }, undefined, 2));
  else for (const line of makeTable(certificates)) ports.write(line);
  for (const problem of problems) ports.complain(`bkctl: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

/** 0 where a rotation was asked for, or would have been. */
export async function runCaRotate(ports: CommandPorts, { isDryRun }: { readonly isDryRun: boolean }): Promise<number> {
  const read = await readCa(ports);
  if (!read.ok) return complain(ports, read.error);
  const running = findRunning(read.value.shown);
  if (running !== undefined) return complain(ports, running);
  if (isDryRun) return describeRotation(ports);
  if (!(await ports.requestRotation(formatTime(ports.now() / 1000)))) return complain(ports, neverRan);
  ports.write('requested a new root: the authority prepares it the next time it runs');
  const started = await ports.startJob(ports.newSuffix());
  if ('job' in started) ports.write(`job ${started.job} runs it now`);
  else ports.write(`bkctl started no Job: ${started.reason}; whatever runs the authority here runs it when it is due`);
  ports.write(afterwards);
  return 0;
}

function describeRotation(ports: CommandPorts): number {
  ports.write('dry run: this would request a new root, and start a Job that prepares it where a CronJob says how');
  ports.write(afterwards);
  return 0;
}

const afterwards =
  'the new root signs a day after it is trusted; the old one stays trusted until its last certificate ends';

const neverRan = 'the authority has not run yet: there is nothing to rotate';

function complain(ports: CommandPorts, message: string): number {
  ports.complain(`bkctl: ${message}`);
  return 1;
}

async function readCa(
  ports: CommandPorts,
): Promise<Result<{ readonly shown: ShownCa; readonly roots: string }, string>> {
  const trust = await ports.getTrust();
  if (trust === undefined) return err(`no ConfigMap ${TRUST_BUNDLE.configMap}: has the authority run?`);
  const status = parseStatus(trust.status ?? '');
  const { roots = '' } = trust;
  if (status === undefined) return err(`ConfigMap ${TRUST_BUNDLE.configMap}: expected what the authority tells`);
  if (status.certificates.length === 0) return err('the authority has not finished a run yet');
  try {
    const { describe, isSignedBy, now } = ports;
    return ok({ roots, shown: showCa({ status, roots, now: now() / 1000, describe, isSignedBy }) });
  } catch {
    return err(`ConfigMap ${TRUST_BUNDLE.configMap}: expected certificates, got something else`);
  }
}

function parseStatus(text: string): CaStatus | undefined {
  try {
    return caStatus.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A root that is trusted and does not sign is one that is being replaced, or replaces. */
function findRunning({ certificates }: ShownCa): string | undefined {
  const waiting = certificates.find(({ name, role }) => name === 'root' && role !== 'current');
  if (waiting === undefined) return undefined;
  const { role, next } = waiting;
  const what = role === 'next' ? 'the next root signs' : 'the previous root is trusted';
  const when = next === null ? 'in a later run' : `${role === 'next' ? 'from' : 'until'} ${next.notBefore}`;
  return `a rotation is under way already: ${what} ${when}; ask again when it is over`;
}

const header = ['CERTIFICATE', 'ROLE', 'SIGNED BY', 'EXPIRES', 'NEXT'];

function makeTable(certificates: readonly ShownCertificate[]): string[] {
  const rows = [header, ...certificates.map(makeRow)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

const makeRow = ({ name, role, signedBy, notAfter, next }: ShownCertificate): string[] => [
  name,
  role,
  signedBy ?? 'nobody',
  notAfter,
  next === null ? '' : `${next.action} from ${next.notBefore}`,
];
