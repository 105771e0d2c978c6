/**
 * What `/validate` lets through of pools: all that their owner may decide, with warnings of what follows from it.
 *
 * A warning is worth a look-up and never a refusal: a pool can be closed and deleted while nothing can be counted.
 */
import { access as accessSchema } from '../../api/access.ts';
import type { AdmissionAnswer } from '../../api/http/admission-review.ts';
import { maxShownValueLength } from '../../api/limits/messages.ts';
import { NAMESPACE_NAME_LABEL } from '../../api/names.ts';
import { listSelectedKeys, type Labels } from '../access/label-selector.ts';
import type { PoolKey } from '../pool-reference.ts';
import { allowed, forbidden, invalid } from './answers.ts';
import { checkCarried } from './carried.ts';
import { checkCustomization } from './customize.ts';
import { checkInlineIssuers, warnOfInlineNames } from './issuers.ts';
import { member, type JsonObject } from '../json.ts';
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
  const unpermitted = await checkCustomization(request, ports);
  const change = readChange(request);
  const namer = { namespace: request.namespace, clusterIssuer: ports.clusterIssuer };
  const findings = [
    ...checkCarried(request),
    ...checkTexts(request, ports),
    ...checkInlineIssuers(change.before, change.after, namer),
  ];
  if (unpermitted.length > 0) return forbidden(request, [...unpermitted, ...findings]);
  if (findings.length > 0) return invalid(request, findings);
  return allowed(request.uid, [
    ...warnOfSelectors(change.after),
    ...warnOfInlineNames(change.after),
    ...(await warnOfNarrowing(request, change, ports)),
  ]);
}

const readChange = ({ namespace, spec, oldSpec }: ObjectRequest): Change => ({
  poolNamespace: namespace,
  before: readAccess(oldSpec),
  after: readAccess(spec),
});

const readAccess = (spec: JsonObject | undefined): Access =>
  accessSchema.optional().safeParse(member(spec, 'access')).data;

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
    const isForeign = referrers.namespaces.some((home) => home !== namespace);
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
