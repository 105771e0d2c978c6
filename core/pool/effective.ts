/**
 * What a pool says, where several places of its spec mean the same. No I/O.
 *
 * v1alpha1 has words that mean what other fields mean too. Each is stored in a place of its own, so that whoever owns
 * it can change or remove it. Which of them counts is decided here alone, and the result has one place for one meaning.
 */
import type { EffectiveSpec, PoolSpec } from '../../api/v1beta1/pool.ts';

type OldWords = NonNullable<PoolSpec['v1alpha1']>;
type Gateway = NonNullable<EffectiveSpec['gateway']>;
type Access = NonNullable<EffectiveSpec['access']>;
type Issuers = NonNullable<NonNullable<Access['oidc']>['inline']>;

export const effective = ({ v1alpha1: old, ...spec }: PoolSpec): EffectiveSpec =>
  old === undefined
    ? spec
    : {
        ...spec,
        ...section('gateway', effectiveGateway(spec.gateway, old)),
        ...section('access', effectiveAccess(spec.access, old)),
      };

/** The member, unless it would be empty. */
const section = <K extends string, V extends object>(name: K, value: V): { readonly [key in K]?: V } =>
  Object.keys(value).length === 0 ? {} : ({ [name]: value } as { readonly [key in K]: V });

/** `gateway` wins over `networking` and `resources.sidecar`, each resource on its own. */
function effectiveGateway(gateway: Gateway = {}, { networking, resources }: OldWords): Gateway {
  const { serviceType, port } = networking ?? {};
  const { limits, requests } = resources?.sidecar ?? {};
  const service = {
    ...(serviceType === undefined ? {} : { type: serviceType }),
    ...(port === undefined ? {} : { port }),
    ...gateway.service,
  };
  return {
    ...gateway,
    ...section('service', service),
    ...section('resources', {
      ...gateway.resources,
      ...section('limits', { ...limits, ...gateway.resources?.limits }),
      ...section('requests', { ...requests, ...gateway.resources?.requests }),
    }),
  };
}

/** Rules of `access` win over those of `auth.rbac`; issuers of `auth.methods` stand before those of `access`. */
function effectiveAccess(access: Access = {}, { auth }: OldWords): Access {
  const rules = access.clients?.rules ?? auth?.rbac?.rules;
  const inline = [...listMethodIssuers(auth), ...(access.oidc?.inline ?? [])];
  return {
    ...access,
    ...(rules === undefined ? {} : { clients: { ...access.clients, rules } }),
    ...(inline.length === 0 ? {} : { oidc: { ...access.oidc, inline } }),
  };
}

const listMethodIssuers = (auth: OldWords['auth']): Issuers => (auth?.methods ?? []).flatMap(({ oidc }) => oidc ?? []);
