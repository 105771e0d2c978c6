/**
 * What `/validate` lets through of pools: all that their owner may decide, with warnings of what follows from it.
 *
 * A warning is worth a look-up and never a refusal: a pool can be closed and deleted while nothing can be counted.
 */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { maxReportedErrors, maxShownValueLength } from '../../api/limits/messages.ts';
import { NAMESPACE_NAME_LABEL } from '../../api/names.ts';
import { sharedMeanings } from '../../api/field-mapping.ts';
import type { PoolSpec } from '../../api/v1beta1/pool.ts';
import { listSelectedKeys, type Labels } from '../access/label-selector.ts';
import { atPath, isJsonObject, type JsonObject } from '../json.ts';
import { effective } from '../pool/effective.ts';
import { formatField, parseSpec, type SpecIssue } from '../pool/parse.ts';
import type { PoolKey } from '../pool-reference.ts';
import { allowed, forbidden, invalid } from './answers.ts';
import { checkCustomization } from './customize.ts';
import { nameFields, nameWarnings } from './fields.ts';
import { checkNamedIssuers, warnOfIssuerNames } from './issuers.ts';
import {
  countReferrers,
  dependsOnLabels,
  isNarrowing,
  listLosers,
  type Access,
  type Change,
  type Referrers,
} from './narrowing.ts';
import type { ObjectRequest } from './object-request.ts';
import { checkTexts, type TextPorts } from './parsed-texts.ts';
import { checkUnsupported, warnOfUnsupported } from './unsupported.ts';
import type { ReferencePorts } from './reference.ts';

/** Each throws when there is no answer to be had. */
export interface PoolPorts extends Pick<ReferencePorts, 'reviewAccess'>, TextPorts {
  readonly listReferrers: (pool: PoolKey) => Promise<Referrers>;
  /** Labels by namespace, as many as fit in one answer. */
  readonly listNamespaceLabels: () => Promise<ReadonlyMap<string, Labels>>;
  /** Issuer of the cluster's own ServiceAccounts. */
  readonly clusterIssuer: string;
}

export async function validatePool(request: ObjectRequest, ports: PoolPorts): Promise<AdmissionAnswer> {
  if (request.operation === 'DELETE') return allowed(request.uid, await warnOfDeletion(request, ports));
  const { version, oldSpec } = request;
  const parsed = parseSpec(request.spec ?? {}, oldSpec);
  // Closed: what can't be read is never taken for absent.
  if (!parsed.ok) return invalid(request, nameFields(parsed.error.slice(0, maxReportedErrors).map(toCause), version));
  const spec = parsed.value;
  const before = oldSpec === undefined ? undefined : readOld(oldSpec);
  const unpermitted = nameFields(await checkCustomization(request, ports), version);
  const namer = { namespace: request.namespace, clusterIssuer: ports.clusterIssuer };
  const findings = nameFields(
    [...checkTexts(request, ports), ...checkUnsupported(request), ...checkNamedIssuers(before, spec, namer)],
    version,
  );
  if (unpermitted.length > 0) return forbidden(request, [...unpermitted, ...findings]);
  if (findings.length > 0) return invalid(request, findings);
  const after = effective(spec);
  const change = {
    poolNamespace: request.namespace,
    before: before === undefined ? undefined : effective(before).access,
    after: after.access,
  };
  const warnings = [
    ...warnOfShadowed(spec),
    ...warnOfUnsupported(spec),
    ...warnOfSelectors(after.access),
    ...warnOfIssuerNames(spec),
    ...(await warnOfNarrowing(request, change, ports)),
  ];
  return allowed(request.uid, nameWarnings(warnings, version));
}

const toCause = ({ path, message }: SpecIssue): StatusCause => ({
  field: formatField(['spec', ...path]),
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${message}`,
});

/** What can be read of what was stored: what can't be is new again wherever it is written. */
function readOld(oldSpec: JsonObject): PoolSpec | undefined {
  const parsed = parseSpec(oldSpec, oldSpec);
  return parsed.ok ? parsed.value : undefined;
}

/** Words that are stored and count for nothing: who reads the manifest would think otherwise. */
const warnOfShadowed = (spec: PoolSpec): readonly string[] =>
  sharedMeanings
    .filter(
      ({ how, word, leaf }) => how !== 'stands before' && isShadowed(atPath(spec.v1alpha1, word), atPath(spec, leaf)),
    )
    .map(({ word, leaf }) => `spec.v1alpha1.${word}: spec.${leaf} counts`);

/** Of maps only the members that both have. */
const isShadowed = (word: unknown, leaf: unknown): boolean =>
  isJsonObject(word) && isJsonObject(leaf)
    ? Object.keys(word).some((key) => Object.hasOwn(leaf, key))
    : word !== undefined && leaf !== undefined;

function warnOfSelectors(access: Access): readonly string[] {
  const guests = { workers: access?.workers, clients: access?.clients };
  return Object.entries(guests).flatMap(([who, section]) => {
    const keys = listSelectedKeys(section?.namespaces?.selector ?? {}).filter((key) => key !== NAMESPACE_NAME_LABEL);
    if (keys.length === 0) return [];
    const shown = keys.join(', ').slice(0, maxShownValueLength);
    return [
      `spec.access.${who}.namespaces.selector: ${shown}: whoever may label a namespace can let it in; ` +
        `only ${NAMESPACE_NAME_LABEL} is nobody's to choose`,
    ];
  });
}

async function warnOfNarrowing(
  { namespace, name }: ObjectRequest,
  change: Change,
  { listReferrers, listNamespaceLabels }: PoolPorts,
): Promise<readonly string[]> {
  if (!isNarrowing(change)) return [];
  try {
    const referrers = await listReferrers({ namespace, name });
    const isForeign = referrers.namespaces.some((referring) => referring !== namespace);
    const labels = isForeign && dependsOnLabels(change) ? await listNamespaceLabels() : new Map<string, Labels>();
    const losers = listLosers(referrers, change, labels);
    const count = countReferrers(losers);
    return count === undefined ? [] : [`${count} ${losers.namespaces.length === 1 ? 'loses' : 'lose'} access`];
  } catch {
    return ['spec.access.workers: the workers that lose access could not be counted'];
  }
}

async function warnOfDeletion({ namespace, name }: ObjectRequest, ports: PoolPorts): Promise<readonly string[]> {
  try {
    const referrers = await ports.listReferrers({ namespace, name });
    const count = countReferrers(referrers);
    const refer = referrers.namespaces.length === 1 ? 'refers' : 'refer';
    return count === undefined ? [] : [`${count} still ${refer} to this pool: it goes when none of them is allocated`];
  } catch {
    return ['the workers that refer to this pool could not be counted'];
  }
}
