/** Our three kinds as the apiserver holds them. No I/O. No clock. */
import { makeCrds } from '../../api/crd.ts';
import { GROUP, STORAGE_VERSION } from '../../api/names.ts';
import type { Check, Facts, Found } from './check.ts';
import { conditionOf, type Definition } from './observed.ts';
import { findDifference } from './difference.ts';

export const definitionChecks: readonly Check[] = [
  {
    code: 'crd_absent',
    severity: 'error',
    meaning: 'The cluster does not know one of our kinds.',
    remedy: 'Install: `kubectl apply -k` of your overlay.',
    find: ({ definitions }) =>
      Object.entries(definitions)
        .filter(([, definition]) => definition === 'absent')
        .map(([plural]) => ({ where: nameDefinition(plural), what: 'is not there' })),
  },
  {
    code: 'crd_not_established',
    severity: 'error',
    meaning: 'The apiserver does not serve one of our kinds, most often because another CRD has one of its names.',
    remedy: 'Remove the CRD that has the name, which the condition tells.',
    find: forEach((definition) => {
      const refused = ['NamesAccepted', 'Established'].find((type) => conditionOf(definition, type)?.status !== 'True');
      if (refused === undefined) return undefined;
      const { reason = 'no condition yet', message = '' } = conditionOf(definition, refused) ?? {};
      return `${refused}: ${reason}${message === '' ? '' : `: ${message}`}`;
    }),
  },
  {
    code: 'crd_differs',
    severity: 'error',
    meaning: 'A kind is that of another release than this `bkctl`.',
    remedy: 'Apply the manifests of this release, or use the `bkctl` of the release that is installed.',
    find: forEach((definition, plural) => {
      const expected = (makeCrds() as Record<string, { spec: { versions: object } }>)[plural]?.spec.versions;
      return findDifference(expected, definition.spec.versions, 'spec.versions');
    }),
  },
  {
    code: 'storage_not_migrated',
    severity: 'warning',
    meaning: 'Objects may still be stored in the older version: reading those needs the webhooks.',
    remedy: 'Run `manifests/migrate-storage.sh` once all webhooks are of this release.',
    find: forEach((definition) => {
      const { storedVersions = [] } = definition.status ?? {};
      const old = storedVersions.filter((version) => version !== STORAGE_VERSION);
      return old.length === 0
        ? undefined
        : `status.storedVersions: expected ${STORAGE_VERSION} alone, got ${old.join(', ')} too`;
    }),
  },
  {
    code: 'conversion_not_registered',
    severity: 'error',
    meaning: 'The apiserver would hand out one version as if it were the other.',
    remedy: 'Apply the manifests again, then run the authority, which writes the CA bundle.',
    find: forEach(({ spec: { conversion } }) =>
      conversion?.strategy === 'Webhook'
        ? undefined
        : `spec.conversion.strategy: expected Webhook, got ${conversion?.strategy ?? 'none'}`,
    ),
  },
];

export const nameDefinition = (plural: string): string => `CustomResourceDefinition/${plural}.${GROUP}`;

/** A check of each kind that is there and may be seen. */
function forEach(judge: (definition: Definition, plural: string) => string | undefined): (facts: Facts) => Found[] {
  return ({ definitions }) =>
    Object.entries(definitions).flatMap(([plural, definition]) => {
      const what = definition === 'absent' || definition === 'hidden' ? undefined : judge(definition, plural);
      return what === undefined ? [] : [{ where: nameDefinition(plural), what }];
    });
}
