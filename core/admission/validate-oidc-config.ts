/** What `/validate` lets through of OIDC configs: issuers that may be named, once each, and no Secret of strangers. */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { allowed, invalid } from './answers.ts';
import { checkBound, checkIssuer, warnOfNames } from './issuers.ts';
import { boundClaims as boundClaimsSchema } from '../../api/fields.ts';
import { isSameJson, member } from '../json.ts';
import type { ClaimedIssuer } from '../oidc/issuer.ts';
import type { ObjectRequest } from './object-request.ts';

export interface NamedIssuer {
  /** Of the config. */
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface OidcConfigPorts {
  /** Configs of a namespace, as many as fit in one answer. Throws when there is no answer to be had. */
  readonly listOidcConfigs: (namespace: string) => Promise<readonly NamedIssuer[]>;
  /** Issuer of the cluster's own ServiceAccounts. */
  readonly clusterIssuer: string;
}

/** What has not changed is not judged: an old config that breaks a newer rule can still be changed elsewhere. */
export async function validateOidcConfig(request: ObjectRequest, ports: OidcConfigPorts): Promise<AdmissionAnswer> {
  const claimed = readClaimed(request.spec);
  const old = readClaimed(request.oldSpec);
  const { issuer, audience } = claimed;
  const isIssuerNew = issuer !== old.issuer;
  const namer = { namespace: request.namespace, clusterIssuer: ports.clusterIssuer };
  const findings = [
    ...(isIssuerNew ? checkIssuer('spec.issuer', issuer, namer) : []),
    ...(isIssuerNew || audience !== old.audience ? await checkUnique(request, { issuer, audience }, ports) : []),
    ...(isSameJson(claimed, old) ? [] : checkBound('spec', claimed)),
    ...checkSecret(request),
  ];
  if (findings.length > 0) return invalid(request, findings);
  return allowed(request.uid, warnOfNames('spec', claimed));
}

/** The schema has seen to it that issuer and audience are there. */
const readClaimed = (spec: unknown): ClaimedIssuer => ({
  issuer: readText(member(spec, 'issuer')),
  audience: readText(member(spec, 'audience')),
  boundClaims: boundClaimsSchema.safeParse(member(spec, 'boundClaims')).data,
});

const readText = (value: unknown): string => (typeof value === 'string' ? value : '');

async function checkUnique(
  { namespace, name }: ObjectRequest,
  { issuer, audience }: Pick<ClaimedIssuer, 'issuer' | 'audience'>,
  { listOidcConfigs }: OidcConfigPorts,
): Promise<readonly StatusCause[]> {
  const configs = await listOidcConfigs(namespace);
  const twin = configs.find((one) => one.name !== name && one.issuer === issuer && one.audience === audience);
  if (twin === undefined) return [];
  const message = `Duplicate value: ${JSON.stringify(issuer)}: with this audience it is the issuer of "${twin.name}"`;
  return [{ field: 'spec.issuer', reason: 'FieldValueDuplicate', message }];
}

function checkSecret({ namespace, spec, oldSpec }: ObjectRequest): readonly StatusCause[] {
  const referred = secretNamespace(spec);
  if (referred === undefined || referred === namespace || referred === secretNamespace(oldSpec)) return [];
  const message = `Invalid value: ${JSON.stringify(referred)}: must be the namespace of the config`;
  return [{ field: 'spec.clientSecretRef.namespace', reason: 'FieldValueInvalid', message }];
}

const secretNamespace = (spec: unknown): unknown => member(member(spec, 'clientSecretRef'), 'namespace');
