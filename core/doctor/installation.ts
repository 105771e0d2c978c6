/** What must be there before any part can run. No I/O. No clock. */
import { minKubernetesMinor } from '../../api/limits/fields.ts';
import { INSTALL_SETTINGS, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { parseClusterFqdn } from '../certificates/profile.ts';
import { when, type Check, type Facts } from './check.ts';
import { valueOf } from './observed.ts';
import { runsOutside } from './clients.ts';

/** `list pods` of the apiserver's `pods is forbidden: User "me" cannot list resource "pods" in API group "" ...`. */
function shortenRefusal(message: string): string {
  const [, verb, resource, group = ''] =
    /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?/.exec(message) ?? [];
  if (verb === undefined || resource === undefined) return message;
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
}

const namespace = `Namespace/${SYSTEM_NAMESPACE}`;
const enforceLabel = 'pod-security.kubernetes.io/enforce';

export const installationChecks: readonly Check[] = [
  {
    code: 'unseen',
    severity: 'warning',
    meaning: 'You may not read something, so the doctor says nothing about it.',
    remedy: 'Ask to be bound to the ClusterRole and the Role `buildkit-doctor`, or for the rights that are named.',
    find: ({ unseen }) =>
      when(unseen.length > 0, 'your rights', `you may not ${[...new Set(unseen.map(shortenRefusal))].join(', ')}`),
  },
  {
    code: 'kubernetes_too_old',
    severity: 'error',
    meaning: 'The cluster is older than Kubernetes 1.33.',
    remedy: 'Upgrade the cluster first.',
    find: ({ kubernetes }) => {
      const { major = '1', minor = '', gitVersion = '' } = valueOf(kubernetes) ?? {};
      const isOld = kubernetes !== 'hidden' && Number(major) === 1 && Number.parseInt(minor, 10) < minKubernetesMinor;
      return when(isOld, 'the apiserver', `expected 1.${minKubernetesMinor} or newer, got ${gitVersion}`);
    },
  },
  {
    code: 'namespace_absent',
    severity: 'error',
    meaning: 'The namespace of the controller is not there.',
    remedy: 'Install: `kubectl apply -k` of your overlay.',
    find: (facts) => when(facts.namespace === 'absent', namespace, 'is not there'),
  },
  {
    code: 'pod_security_missing',
    severity: 'warning',
    meaning: 'The namespace of the controller lets Pods in that `restricted` would not.',
    remedy: `\`kubectl label namespace ${SYSTEM_NAMESPACE} --overwrite ${enforceLabel}=restricted\``,
    find: (facts) => {
      const { metadata } = valueOf(facts.namespace) ?? {};
      const enforced = metadata?.labels?.[enforceLabel] ?? 'nothing';
      const isMissing = metadata !== undefined && enforced !== 'restricted';
      return when(isMissing, namespace, `${enforceLabel}: expected restricted, got ${enforced}`);
    },
  },
  {
    code: 'cluster_fqdn_missing',
    severity: 'error',
    meaning: 'The cluster has no name, which stands in every certificate.',
    remedy:
      'Write a name into `manifests/install/install.env`, for good, and apply the overlay again: `cluster-fqdn=builds.example.com`, with a name of yours.',
    find: findClusterFqdn,
  },
];

function findClusterFqdn(facts: Facts) {
  const where = `ConfigMap/${SYSTEM_NAMESPACE}/${INSTALL_SETTINGS.configMap}`;
  if (runsOutside(facts) || facts.settings === 'hidden') return [];
  if (facts.settings === 'absent') return [{ where, what: 'is not there' }];
  const fqdn = parseClusterFqdn(facts.settings.data?.[INSTALL_SETTINGS.clusterFqdn] ?? '');
  return fqdn.ok ? [] : [{ where, what: `${INSTALL_SETTINGS.clusterFqdn}: ${fqdn.error}` }];
}
