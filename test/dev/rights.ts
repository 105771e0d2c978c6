/**
 * Rights as single facts, so that what an account may do can be compared with what it did: one verb, on one resource, in
 * one namespace or in all, for one name or for any. No I/O.
 */

export interface Right {
  /** `<namespace>/<name>` of a ServiceAccount. */
  readonly account: string;
  readonly verb: string;
  readonly group: string;
  /** `<resource>` or `<resource>/<subresource>`. */
  readonly resource: string;
  /** Every namespace, and objects without one, when undefined. */
  readonly namespace: string | undefined;
  /** Every name when undefined. */
  readonly name: string | undefined;
}

/** A request that was made. */
export interface Use extends Right {
  readonly isRefused: boolean;
}

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface RoleObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

export interface BindingObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly roleRef: { readonly kind: string; readonly name: string };
}

const any = '*';

/** What the bindings give to ServiceAccounts, each right once. */
export function listRights(roles: readonly RoleObject[], bindings: readonly BindingObject[]): Right[] {
  const rights = bindings.flatMap((binding) =>
    (binding.subjects ?? [])
      .filter(({ kind }) => kind === 'ServiceAccount')
      .flatMap(({ name, namespace = '' }) =>
        rulesOf(roles, binding).flatMap((rule) =>
          expand(rule, { account: `${namespace}/${name}`, namespace: binding.metadata.namespace }),
        ),
      ),
  );
  return [...new Map(rights.map((right) => [describeRight(right), right])).values()];
}

function rulesOf(roles: readonly RoleObject[], { metadata, roleRef }: BindingObject): readonly Rule[] {
  const namespace = roleRef.kind === 'Role' ? metadata.namespace : undefined;
  const role = roles.find(
    ({ kind, metadata: found }) =>
      kind === roleRef.kind && found.name === roleRef.name && found.namespace === namespace,
  );
  if (role === undefined) throw new Error(`${metadata.name}: expected a ${roleRef.kind} ${roleRef.name}, got none`);
  return role.rules ?? [];
}

function expand(rule: Rule, scope: Pick<Right, 'account' | 'namespace'>): Right[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [undefined] } = rule;
  return verbs.flatMap((verb) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => resourceNames.map((name) => ({ ...scope, verb, group, resource, name }))),
    ),
  );
}

const isWithin = (granted: string | undefined, used: string | undefined): boolean =>
  granted === undefined || granted === any || granted === used;

export const covers = (right: Right, use: Right): boolean =>
  right.account === use.account &&
  isWithin(right.verb, use.verb) &&
  isWithin(right.group, use.group) &&
  isWithin(right.resource, use.resource) &&
  isWithin(right.namespace, use.namespace) &&
  isWithin(right.name, use.name);

/** `<namespace>/<account> <verb> <group>/<resource>[ <name>][ in <namespace>]` */
export const describeRight = ({ account, verb, group, resource, namespace, name }: Right): string =>
  `${account} ${verb} ${group}/${resource}` +
  (name === undefined ? '' : ` ${name}`) +
  (namespace === undefined ? '' : ` in ${namespace}`);

export interface Comparison {
  /** Rights without a use. */
  readonly unused: readonly string[];
  /** Rights in every namespace that were used in the home of the accounts alone. */
  readonly wide: readonly string[];
  /** Uses without a right: refused, or permitted by what everybody may do. */
  readonly missing: readonly string[];
}

/** `home` is the namespace in which a right could be given by itself. */
export function compare(rights: readonly Right[], uses: readonly Use[], ownNamespace: string): Comparison {
  const used = rights.map((right) => ({ right, uses: uses.filter((use) => !use.isRefused && covers(right, use)) }));
  const isOwnNamespace = ({ namespace, resource }: Use): boolean =>
    namespace === ownNamespace && resource !== 'namespaces';
  const describe = (found: readonly Right[]): string[] => [...new Set(found.map(describeRight))].toSorted();
  return {
    unused: describe(used.filter((each) => each.uses.length === 0).map(({ right }) => right)),
    wide: describe(
      used
        .filter(({ right, uses: of }) => right.namespace === undefined && of.length > 0 && of.every(isOwnNamespace))
        .map(({ right }) => right),
    ),
    missing: describe(uses.filter((use) => use.isRefused || !rights.some((right) => covers(right, use)))),
  };
}
