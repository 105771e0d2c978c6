/** `bkctl doctor`, over ports: what is wrong, and how it is mended. Answers with the exit status. */
import { TRUST_BUNDLE } from '../api/names.ts';
import type { CertificateFacts } from '../core/authority/show.ts';
import { diagnose, type Finding } from '../core/doctor/diagnose.ts';
import { conditionOf, listOf, valueOf, type Answer, type Observed, type Release } from '../core/doctor/observed.ts';

export interface DoctorPorts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly readRelease: () => Promise<Release>;
  readonly observe: (rights: Release['rights']) => Promise<Observed>;
  /** `roots` are PEM. */
  readonly askApi: (url: string, roots: string) => Promise<Answer>;
  /** Throws for what is no certificate. */
  readonly describe: (pem: string) => CertificateFacts;
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
  readonly write: (line: string) => void;
}

export interface DoctorOptions {
  readonly json: boolean;
  /** Where the API is to be asked, too. */
  readonly api?: string;
}

/** 0 where nothing is wrong, else 1. */
export async function runDoctor(ports: DoctorPorts, { json, api: url }: DoctorOptions): Promise<number> {
  const release = await ports.readRelease();
  const observed = await ports.observe(release.rights);
  const roots = valueOf(observed.trust)?.data?.[TRUST_BUNDLE.roots] ?? '';
  const api = url === undefined ? 'hidden' : { url, ...(await ports.askApi(url, roots)) };
  const { describe, isSignedBy } = ports;
  const findings = diagnose({ ...observed, api, release, describe, isSignedBy, now: ports.now() / 1000 });
  const { skipped } = observed;
  if (json) ports.write(JSON.stringify({ findings, skipped }, undefined, 2));
  else for (const line of makeReport(findings, skipped, describeBuilders(observed))) ports.write(line);
  return findings.length === 0 ? 0 : 1;
}

/** Nothing may be wrong, and nothing can build all the same. */
function describeBuilders({ pools, workers }: Observed): readonly string[] {
  if (pools === 'hidden' || workers === 'hidden') return [];
  const gateways = listOf(pools).filter((pool) => conditionOf(pool, 'GatewayReady')?.status === 'True').length;
  const ready = listOf(workers).filter(({ status }) => ['Idle', 'Allocated'].includes(status?.phase ?? '')).length;
  if (gateways > 0 && ready > 0) return [];
  const counted = `pools: ${listOf(pools).length}, gateways ready: ${gateways}, workers ready: ${ready}`;
  return [`nothing builds here at this moment: ${counted}`];
}

function makeReport(findings: readonly Finding[], skipped: readonly string[], builders: readonly string[]): string[] {
  return [
    ...findings.flatMap(makeParagraph),
    ...(skipped.length === 0 ? [] : [`not checked, because you may not: ${skipped.join(', ')}`]),
    ...builders,
    summarize(findings),
  ];
}

const makeParagraph = ({ code, severity, where, what, remedy }: Finding): string[] => [
  `${severity} ${code}: ${where}`,
  // Some of it was said by others, of whom a terminal takes no orders.
  `  ${what.replaceAll(/\p{Cc}+/gu, ' ')}`,
  `  fix: ${remedy}`,
  '',
];

function summarize(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'nothing is wrong';
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  return `errors: ${count('error')}, warnings: ${count('warning')}`;
}
