/** Paths of the apiserver, by resource. */
import { STORAGE_API_VERSION } from '../../api/names.ts';

/** @throws {TypeError} for what a URL would take as a step within the path. */
function segment(name: string): string {
  if (name === '.' || name === '..') throw new TypeError(`path: expected a name, got ${name}`);
  return encodeURIComponent(name);
}

/** @throws {TypeError} where a name is empty, `.` or `..`: the path would be that of something else. */
export function checkPath(path: string): void {
  if (/\/\.{0,2}(?:\/|$)/.test(path)) throw new TypeError(`path: expected a name in each segment, got ${path}`);
}

export interface ObjectPath {
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: 'status';
}

/** `/apis/buildkit.smrt-devops.net/v1beta1/namespaces/<ns>/<plural>/<name>[/status]` */
export const ourObjectPath = (plural: string, object: ObjectPath): string =>
  namespacedPath(`/apis/${STORAGE_API_VERSION}`, plural, object);

/** All objects of one of our kinds, in every namespace. */
export const ourCollectionPath = (plural: string): string => `/apis/${STORAGE_API_VERSION}/${plural}`;

/** All objects of one of our kinds in a namespace. */
export const ourNamespacedCollectionPath = (plural: string, namespace: string): string =>
  `/apis/${STORAGE_API_VERSION}/namespaces/${segment(namespace)}/${plural}`;

export const deploymentPath = (object: ObjectPath): string => namespacedPath('/apis/apps/v1', 'deployments', object);
export const replicaSetPath = (object: ObjectPath): string => namespacedPath('/apis/apps/v1', 'replicasets', object);
export const podPath = (object: ObjectPath): string => namespacedPath('/api/v1', 'pods', object);
export const servicePath = (object: ObjectPath): string => namespacedPath('/api/v1', 'services', object);

/** Those of every namespace. */
export const deploymentsPath = '/apis/apps/v1/deployments';
export const servicesPath = '/api/v1/services';

/** Of a namespace, or of all. */
export const podsPath = (namespace?: string): string =>
  namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${segment(namespace)}/pods`;

export const configMapsPath = (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/configmaps`;

export const namespacedEventsPath = (namespace: string): string =>
  `/apis/events.k8s.io/v1/namespaces/${segment(namespace)}/events`;

/** Of any namespaced resource; `v1` is the core group. */
export const objectPath = (apiVersion: string, plural: string, object: ObjectPath): string =>
  namespacedPath(apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`, plural, object);

function namespacedPath(root: string, plural: string, object: ObjectPath): string {
  const path = `${root}/namespaces/${segment(object.namespace)}/${plural}/${segment(object.name)}`;
  return object.subresource === undefined ? path : `${path}/${object.subresource}`;
}
