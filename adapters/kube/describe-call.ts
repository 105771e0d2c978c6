/** What a call does, in the apiserver's own words: https://kubernetes.io/docs/reference/access-authn-authz/authorization/ */
import type { KubeCall } from './client.ts';

export interface CallDescription {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  /** Plural, with its subresource; never a name that somebody chose. */
  readonly resource: string;
}

/** `/api/v1` or `/apis/<group>/<version>`, then `[namespaces/<namespace>/]<resource>[/<name>[/<subresource>]]`. */
const form = /^\/(?:api|apis\/[^/]+)\/v[^/]+\/(?:namespaces\/[^/]+\/(?=[^/]))?([a-z]+)(\/[^/]+)?(?:\/([a-z]+))?$/;

const writing = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

export function describeCall({ method = 'GET', path, query }: KubeCall): CallDescription {
  const [, plural, name, subresource] = form.exec(path) ?? [];
  const resource =
    plural === undefined ? 'none' : [plural, ...(subresource === undefined ? [] : [subresource])].join('/');
  if (method !== 'GET') return { verb: writing[method], resource };
  if (plural === undefined || name !== undefined) return { verb: 'get', resource };
  return { verb: query?.['watch'] === 'true' ? 'watch' : 'list', resource };
}
