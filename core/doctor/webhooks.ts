/** What the apiserver was told of the webhooks, and whether they answer it. No I/O. No clock. */
import { SYSTEM_NAMESPACE, WEBHOOKS } from '../../api/names.ts';
import { splitBundle } from '../authority/bundle.ts';
import { readReported } from './certificates.ts';
import { when, type Check, type Facts, type Found } from './check.ts';
import { listClients, REGISTRATIONS, runsOutside } from './clients.ts';
import { findDifference } from './difference.ts';
import { listOf, valueOf, type Answer, type Lookup, type WebhookEntry } from './observed.ts';

const kinds = ['mutating', 'validating'] as const;

const runAuthority =
  `Run the authority: \`kubectl create job -n ${SYSTEM_NAMESPACE} --from=cronjob/buildkit-authority buildkit-authority-now\`. ` +
  'If it fails, its log says why.';

export const webhookChecks: readonly Check[] = [
  {
    code: 'webhook_registration_absent',
    severity: 'error',
    meaning: 'The apiserver asks no webhook: anybody who may write a worker may join any pool.',
    remedy: `Apply the manifests again. ${runAuthority}`,
    find: (facts) => kinds.flatMap((kind) => when(facts[kind] === 'absent', REGISTRATIONS[kind], 'is not there')),
  },
  {
    code: 'webhook_registration_differs',
    severity: 'error',
    meaning: 'The webhooks are asked about something else than this release needs, or may be passed by.',
    remedy: 'Apply the manifests of this release again; the CA bundle stays as it is.',
    find: (facts) => kinds.flatMap((kind) => findDifferences(facts, kind)),
  },
  {
    code: 'webhook_ca_absent',
    severity: 'error',
    meaning: 'The apiserver does not know whom to trust as our webhooks, so it trusts none.',
    remedy: runAuthority,
    find: (facts) =>
      listClients(facts).flatMap(({ where, client }) =>
        when((client.caBundle ?? '') === '', where, 'caBundle: expected the CA of the webhooks, got nothing'),
      ),
  },
  {
    code: 'webhook_ca_mismatch',
    severity: 'error',
    meaning: 'The apiserver trusts another CA than the one that has signed what the webhooks serve.',
    remedy: runAuthority,
    find: findMismatches,
  },
  {
    code: 'webhook_without_endpoints',
    severity: 'error',
    meaning: 'No webhook is ready: what needs one is refused.',
    remedy: `See why its Pods are not ready: \`kubectl describe pods -n ${SYSTEM_NAMESPACE} -l app.kubernetes.io/name=${WEBHOOKS.service}\``,
    find: (facts) => {
      if (runsOutside(facts) || facts.endpointSlices === 'hidden') return [];
      const slices = listOf(facts.endpointSlices).filter(
        ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === WEBHOOKS.service,
      );
      const isReady = slices.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready === true));
      return when(!isReady, `Service/${SYSTEM_NAMESPACE}/${WEBHOOKS.service}`, 'has no endpoint that is ready');
    },
  },
  {
    code: 'admission_fails',
    severity: 'error',
    meaning: 'The apiserver could not ask the webhooks about a worker, which it was asked to create and not to keep.',
    remedy: 'The message says what stands between them: a network policy, a proxy, a certificate, or no Pod at all.',
    find: ({ admission }) => findFailure(admission, 'failed calling webhook', 'a dry run in v1beta1'),
  },
  {
    code: 'conversion_fails',
    severity: 'error',
    meaning: 'The apiserver could not have a worker converted: v1alpha1 can be neither read nor written.',
    remedy: 'As above.',
    find: ({ conversion }) => findFailure(conversion, 'conversion webhook for', 'a dry run in v1alpha1'),
  },
];

/** How they are reached is each install's own; that they are, another check tells. */
function findDifferences({ release, ...facts }: Facts, kind: 'mutating' | 'validating'): Found[] {
  const { webhooks } = valueOf(facts[kind]) ?? {};
  if (webhooks === undefined) return [];
  return release[kind].flatMap(({ clientConfig: _, ...expected }: WebhookEntry) => {
    const got = webhooks.find(({ name }) => name === expected.name);
    const where = `${REGISTRATIONS[kind]}: ${expected.name}`;
    if (got === undefined) return [{ where, what: 'is not registered' }];
    const what = findDifference(expected, got, '');
    return what === undefined ? [] : [{ where, what: what.replace(/^\./, '') }];
  });
}

function findMismatches(facts: Facts): Found[] {
  const served = readReported(facts)?.find(({ name }) => name === 'webhook-tls');
  if (served === undefined) return [];
  return listClients(facts).flatMap(({ where, client: { caBundle = '' } }) =>
    when(
      caBundle !== '' && !decodeBundle(caBundle).some((ca) => isSigner(facts, served.certificate, ca)),
      where,
      'caBundle: expected the CA that has signed the certificate of the webhooks, got another',
    ),
  );
}

const decodeBundle = (caBundle: string): string[] => splitBundle(atob(caBundle));

/** Whatever was written there by hand is no signer. */
function isSigner({ isSignedBy }: Facts, certificate: string, ca: string): boolean {
  try {
    return isSignedBy(certificate, ca);
  } catch {
    return false;
  }
}

const findFailure = (lookup: Lookup<Answer>, sign: string, where: string): readonly Found[] => {
  const { status, message } = valueOf(lookup) ?? { status: 200, message: '' };
  return when(status === 0 || (status >= 500 && message.includes(sign)), where, message);
};
