/** What `/validate` lets through of OIDC configs: issuers that may be named, once each, and no Secret of strangers. */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { allowed, invalid } from './answers.ts';
import { checkIssuer, warnOfSharedIssuer } from './issuers.ts';
import { member } from '../json.ts';
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
  const { issuer, audience } = readIdentity(request.spec);
  const old = readIdentity(request.oldSpec);
  const isIssuerNew = issuer !== old.issuer;
  const namer = { namespace: request.namespace, clusterIssuer: ports.clusterIssuer };
  const findings = [
    ...(isIssuerNew ? checkIssuer('spec.issuer', issuer, namer) : []),
    ...(isIssuerNew || audience !== old.audience ? await checkUnique(request, { issuer, audience }, ports) : []),
    ...checkSecret(request),
  ];
  if (findings.length > 0) return invalid(request, findings);
  return allowed(request.uid, warnOfSharedIssuer('spec.issuer', issuer));
}

interface Identity {
  readonly issuer: string;
  readonly audience: string;
}

/** The schema has seen to it that both are there. */
const readIdentity = (spec: unknown): Identity => ({
  issuer: readText(member(spec, 'issuer')),
  audience: readText(member(spec, 'audience')),
});

const readText = (value: unknown): string => (typeof value === 'string' ? value : '');

async function checkUnique(
  { namespace, name }: ObjectRequest,
  { issuer, audience }: Identity,
  { listOidcConfigs }: OidcConfigPorts,
): Promise<readonly StatusCause[]> {
  const configs = await listOidcConfigs(namespace);
  const twin = configs.find((one) => one.name !== name && one.issuer === issuer && one.audience === audience);
  if (twin === undefined) return [];
  const message = `Duplicate value: ${JSON.stringify(issuer)}: with this audience it is the issuer of "${twin.name}"`;
  return [{ field: 'spec.issuer', reason: 'FieldValueDuplicate', message }];
}

function checkSecret({ namespace, spec, oldSpec }: ObjectRequest): readonly StatusCause[] {
  const home = secretNamespace(spec);
  if (home === undefined || home === namespace || home === secretNamespace(oldSpec)) return [];
  const message = `Invalid value: ${JSON.stringify(home)}: must be the namespace of the config`;
  return [{ field: 'spec.clientSecretRef.namespace', reason: 'FieldValueInvalid', message }];
}

const secretNamespace = (spec: unknown): unknown => member(member(spec, 'clientSecretRef'), 'namespace');
