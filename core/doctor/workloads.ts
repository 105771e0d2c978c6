/** Whether what should run does. No I/O. No clock. */
import { AUTHORITY_CRON_JOB, BRIDGE, SYSTEM_NAMESPACE, WEBHOOKS } from '../../api/names.ts';
import { isLeftToCertManager } from './certificates.ts';
import { when, type Check, type Facts } from './check.ts';
import { conditionOf, listOf, valueOf, type Deployment, type Pod, type Right } from './observed.ts';
import { runsOutside } from './clients.ts';

export const workloadChecks: readonly Check[] = [
  {
    code: 'knative_absent',
    severity: 'error',
    meaning: 'The functions are not there as Deployments, and the cluster has no Knative Serving to run them.',
    remedy: 'Install Knative Serving and Eventing, then apply overlay `knative` again; or apply overlay `plain`.',
    find: (facts) =>
      isKnativeMissing(facts)
        ? [
            {
              where: 'serving.knative.dev',
              what: `is not there, nor are Deployments of ${listFunctions(facts).join(', ')}`,
            },
          ]
        : [],
  },
  {
    code: 'workload_absent',
    severity: 'error',
    meaning: 'A part is not installed.',
    remedy: 'Apply the manifests again.',
    find: (facts) => {
      const absent = listAbsent(facts);
      const excused = isKnativeMissing(facts) ? listFunctions(facts) : [];
      return absent
        .filter((name) => !excused.includes(name))
        .map((name) => ({ where: nameDeployment(name), what: 'is not there' }));
    },
  },
  {
    code: 'workload_not_ready',
    severity: 'error',
    meaning: 'A part is installed and does not run as it should.',
    remedy: `The reason stands beside it; more: \`kubectl describe pods -n ${SYSTEM_NAMESPACE}\``,
    find: (facts) => [
      ...listOf(facts.deployments)
        .filter(isOurs(facts))
        .filter(isShort)
        .map((deployment) => ({
          where: nameDeployment(deployment.metadata.name),
          what: describeNotReady(deployment, facts),
        })),
      ...listOf(facts.knativeServices).flatMap((service) => {
        const ready = conditionOf(service, 'Ready');
        if (ready?.status === 'True') return [];
        const what = `${ready?.reason ?? 'no condition yet'}: ${ready?.message ?? ''}`;
        return [{ where: `Knative Service/${SYSTEM_NAMESPACE}/${service.metadata.name}`, what }];
      }),
    ],
  },
  {
    code: 'api_unreachable',
    severity: 'error',
    meaning: 'Nobody gets a certificate where `--api` says that the API is.',
    remedy: 'The message says what stands in between: a name, a route, a certificate, or no Pod that is ready.',
    find: ({ api }) => {
      const { url = '', status = 200, message = '' } = valueOf(api) ?? {};
      return when(status !== 200, url, message);
    },
  },
  {
    code: 'account_absent',
    severity: 'error',
    meaning: 'The ServiceAccount of a part is gone: its tokens are worth nothing, and no Pod of it starts.',
    remedy: 'Apply the manifests again, then restart the part: tokens of the account before stay worthless.',
    find: (facts) =>
      facts.release.accounts
        .filter((name) => name !== AUTHORITY_CRON_JOB || !isLeftToCertManager(facts))
        .filter((name) => facts.accounts !== 'hidden' && !hasAccount(facts.accounts, name))
        .map((name) => ({ where: accountAt(name), what: 'is not there' })),
  },
  {
    code: 'right_missing',
    severity: 'error',
    meaning: 'The account of a part may not do what its code does.',
    remedy: 'Apply the manifests again; a policy of the cluster that strips roles must let these be.',
    find: ({ accounts, missingRights }) => {
      const rights = listOf(missingRights).filter(({ account }) => hasAccount(accounts, account));
      return [...Map.groupBy(rights, ({ account }) => account)].map(([account, lacked]) => ({
        where: accountAt(account),
        what: `may not ${lacked.map(word).join(', ')}`,
      }));
    },
  },
];

const accountAt = (name: string): string => `ServiceAccount/${SYSTEM_NAMESPACE}/${name}`;

const hasAccount = (accounts: Facts['accounts'], name: string): boolean =>
  listOf(accounts).some(({ metadata }) => metadata.name === name);

const nameDeployment = (name: string): string => `Deployment/${SYSTEM_NAMESPACE}/${name}`;

/** Parts that every overlay has: only where nothing else tells of changes there is the bridge. */
const listRequired = ({ release }: Facts): readonly string[] => release.workloads.filter((name) => name !== BRIDGE);

/** Parts that Knative can run. */
const listFunctions = (facts: Facts): readonly string[] =>
  listRequired(facts).filter((name) => name !== WEBHOOKS.service);

function listAbsent(facts: Facts): readonly string[] {
  if (runsOutside(facts) || facts.deployments === 'hidden' || facts.knativeServices === 'hidden') return [];
  const there = [...listOf(facts.deployments), ...listOf(facts.knativeServices)].map(({ metadata }) => metadata.name);
  return listRequired(facts).filter((name) => !there.includes(name));
}

const isKnativeMissing = (facts: Facts): boolean => {
  const absent = listAbsent(facts);
  return facts.knativeServices === 'absent' && listFunctions(facts).every((name) => absent.includes(name));
};

/** Gateways of pools in the controller's namespace are judged with their pool. */
const isOurs =
  ({ release }: Facts) =>
  ({ metadata }: Deployment): boolean =>
    release.workloads.includes(metadata.name);

const isShort = ({ spec, status }: Deployment): boolean => (status?.readyReplicas ?? 0) < (spec.replicas ?? 1);

/** How many are ready, and what the first Pod that is not says. */
function describeNotReady(deployment: Deployment, { pods }: Facts): string {
  const { metadata, spec, status } = deployment;
  const mine = listOf(pods).filter(({ metadata: pod }) => pod.labels?.['app.kubernetes.io/name'] === metadata.name);
  const failure = conditionOf(deployment, 'ReplicaFailure');
  const reason = failure?.status === 'True' ? failure.message : mine.map(explain).find((text) => text !== undefined);
  return `${status?.readyReplicas ?? 0} of ${spec.replicas ?? 1} are ready${reason === undefined ? '' : `: ${reason}`}`;
}

function explain({ status = {} }: Pod): string | undefined {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  for (const { name, ready = false, state = {} } of containers) {
    const { reason, message } = (ready ? undefined : (state.waiting ?? state.terminated)) ?? {};
    if (reason !== undefined) return `container ${name}: ${reason}${message === undefined ? '' : `: ${message}`}`;
  }
  const scheduled = conditionOf({ status }, 'PodScheduled');
  return scheduled?.status === 'False' ? scheduled.message : undefined;
}

const word = ({ verb, group, resource, subresource, name, namespace }: Right): string =>
  [
    `${verb} ${resource}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`,
    ...(name === undefined ? [] : [name]),
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
  ].join(' ');
