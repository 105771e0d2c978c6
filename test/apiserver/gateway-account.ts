/** What a gateway is given in the namespace of its pool: an account with rights to two objects by their names. */
import { ROUTES_KEY, routesName } from '../../api/routes.ts';
import { expectApplied, run } from './cluster.ts';

const makeRights = (namespace: string, pool: string): string => {
  const metadata = { name: 'gateway', namespace };
  const verbs = ['get', 'list', 'watch'];
  const rules = [
    { apiGroups: ['buildkit.smrt-devops.net'], resources: ['buildkitpools'], resourceNames: [pool], verbs },
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [routesName(pool)], verbs },
  ];
  const subjects = [{ kind: 'ServiceAccount', name: 'gateway', namespace }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'gateway' };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, subjects, roleRef },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
};

/** The token of the account. */
export async function createGatewayAccount(namespace: string, pool: string): Promise<string> {
  await expectApplied(makeRights(namespace, pool));
  return (await run(['create', 'token', 'gateway', '-n', namespace])).trim();
}

/** `text` is what stands in them. */
export const applyRoutes = (namespace: string, pool: string, text: string): Promise<void> =>
  expectApplied(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: routesName(pool), namespace },
      data: { [ROUTES_KEY]: text },
    }),
  );
