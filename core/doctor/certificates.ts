/** The authority, and the CAs it looks after. No I/O. No clock. */
import { caStatus, type ReportedCertificate } from '../../api/ca-status.ts';
import {
  API,
  AUTHORITY_CRON_JOB,
  CA_SECRETS,
  FORMER_CA_SECRET,
  SYSTEM_NAMESPACE,
  TRUST_BUNDLE,
  WEBHOOKS,
} from '../../api/names.ts';
import { showCa } from '../authority/show.ts';
import { when, type Check, type Facts, type Found } from './check.ts';
import { conditionOf, listOf, nameOf, valueOf, type Job } from './observed.ts';
import { runsOutside } from './clients.ts';

const bundle = `ConfigMap/${SYSTEM_NAMESPACE}/${TRUST_BUNDLE.configMap}`;

export const certificateChecks: readonly Check[] = [
  {
    code: 'authority_never_ran',
    severity: 'error',
    meaning: 'There is no CA yet: no webhook and no certificate can be trusted.',
    remedy: 'Apply the install Job again; if it is there, its log says why it has not ended well.',
    find: (facts) => {
      if (facts.trust === 'hidden' || isLeftToCertManager(facts)) return [];
      if (facts.trust === 'absent') return [{ where: bundle, what: 'is not there' }];
      return when(!readReported(facts)?.length, bundle, `${TRUST_BUNDLE.status}: expected what the authority tells`);
    },
  },
  {
    code: 'authority_fails',
    severity: 'error',
    meaning: 'The last run of the authority that ended has failed.',
    remedy: `Its log says why: \`kubectl logs -n ${SYSTEM_NAMESPACE} -l app.kubernetes.io/name=${AUTHORITY_CRON_JOB} --tail=20\`. What to do about each message stands in operations.md.`,
    find: findFailedRun,
  },
  {
    code: 'authority_not_scheduled',
    severity: 'error',
    meaning: 'Nothing renews certificates: the first end after 15 days.',
    remedy: `Apply the manifests again, or \`kubectl patch cronjob ${AUTHORITY_CRON_JOB} -n ${SYSTEM_NAMESPACE} -p '{"spec":{"suspend":false}}'\``,
    find: (facts) => {
      if (runsOutside(facts) || isLeftToCertManager(facts) || facts.cronJobs === 'hidden') return [];
      const where = `CronJob/${SYSTEM_NAMESPACE}/${AUTHORITY_CRON_JOB}`;
      const found = listOf(facts.cronJobs).find(({ metadata }) => metadata.name === AUTHORITY_CRON_JOB);
      if (found === undefined) return [{ where, what: 'is not there' }];
      return when(found.spec.suspend === true, where, 'is suspended');
    },
  },
  {
    code: 'certificate_not_ready',
    severity: 'error',
    meaning: 'cert-manager, to which this installation leaves its keys, has not made one.',
    remedy: `The condition says why; more: \`kubectl describe certificates -n ${SYSTEM_NAMESPACE}\``,
    find: ({ certManagerCertificates }) =>
      listOf(certManagerCertificates).flatMap((certificate) => {
        const { status, reason = 'no condition yet', message = '' } = conditionOf(certificate, 'Ready') ?? {};
        return when(status !== 'True', `Certificate/${nameOf(certificate)}`, `${reason}: ${message}`);
      }),
  },
  {
    code: 'ca_unsound',
    severity: 'error',
    meaning: 'A certificate has ended, is overdue, or is signed by nobody: what `bkctl ca show` complains of.',
    remedy: 'Run the authority; what to do where something is lost stands in operations.md.',
    find: (facts) => findProblems(facts).map((what) => ({ where: bundle, what })),
  },
  {
    code: 'ca_secret_absent',
    severity: 'error',
    meaning: 'A Secret with a key that the authority told of is gone.',
    remedy: 'What to do about each stands in operations.md, under "When something is lost or broken".',
    find: (facts) => {
      const reported = new Set(readReported(facts)?.map(({ name }) => secretOf[name]));
      return Object.entries(facts.secrets)
        .filter(([name, secret]) => secret === 'absent' && reported.has(name))
        .map(([name]) => ({ where: `Secret/${SYSTEM_NAMESPACE}/${name}`, what: 'is not there' }));
    },
  },
  {
    code: 'former_ca_left',
    severity: 'warning',
    meaning: 'The CA of a release before there was a root is still there, and nothing reads it.',
    remedy: `\`kubectl delete secret ${FORMER_CA_SECRET} -n ${SYSTEM_NAMESPACE}\``,
    find: ({ secrets }) => {
      const { [FORMER_CA_SECRET]: former = 'hidden', [CA_SECRETS.root]: root = 'hidden' } = secrets;
      const isLeft = typeof former === 'object' && typeof root === 'object';
      return when(isLeft, `Secret/${SYSTEM_NAMESPACE}/${FORMER_CA_SECRET}`, 'is left over');
    },
  },
];

/** Component `cert-manager` has no authority. */
export const isLeftToCertManager = ({ certManagerCertificates }: Facts): boolean =>
  listOf(certManagerCertificates).length > 0;

const secretOf: Readonly<Record<ReportedCertificate['name'], string>> = {
  root: CA_SECRETS.root,
  clients: CA_SECRETS.clients,
  servers: CA_SECRETS.servers,
  'api-tls': API.tlsSecret,
  webhooks: CA_SECRETS.webhooks,
  'webhook-tls': WEBHOOKS.tlsSecret,
};

/** Secrets whose being there is looked at, and nothing else of them. */
export const LOOKED_AT_SECRETS: readonly string[] = [...Object.values(secretOf), FORMER_CA_SECRET];

/** What the authority tells; undefined where it tells nothing that can be read. */
export function readReported({ trust }: Pick<Facts, 'trust'>): readonly ReportedCertificate[] | undefined {
  try {
    return caStatus.safeParse(JSON.parse(valueOf(trust)?.data?.[TRUST_BUNDLE.status] ?? '')).data?.certificates;
  } catch {
    return undefined;
  }
}

function findProblems(facts: Facts): readonly string[] {
  const certificates = readReported(facts);
  if (certificates === undefined || certificates.length === 0) return [];
  const roots = valueOf(facts.trust)?.data?.[TRUST_BUNDLE.roots] ?? '';
  try {
    return showCa({ ...facts, status: { certificates: [...certificates] }, roots }).problems;
  } catch {
    return ['expected certificates, got something else'];
  }
}

function findFailedRun({ jobs }: Facts): readonly Found[] {
  const ended = listOf(jobs)
    .filter(({ metadata }) => metadata.name.startsWith(AUTHORITY_CRON_JOB))
    .flatMap((job) => (endOf(job) === undefined ? [] : [{ job, end: endOf(job) ?? '' }]));
  const last = ended.toSorted((one, other) => one.end.localeCompare(other.end)).at(-1)?.job;
  const failed = last && conditionOf(last, 'Failed');
  if (last === undefined || failed?.status !== 'True') return [];
  return [
    { where: `Job/${SYSTEM_NAMESPACE}/${last.metadata.name}`, what: `${failed.reason ?? ''}: ${failed.message ?? ''}` },
  ];
}

/** RFC 3339. */
const endOf = (job: Job): string | undefined =>
  ['Complete', 'Failed'].map((type) => conditionOf(job, type)).find((condition) => condition?.status === 'True')
    ?.lastTransitionTime;
