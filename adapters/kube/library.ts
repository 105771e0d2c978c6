/**
 * What is used of @kubernetes/client-node, one API class at a time: its index would load 800 models with every start.
 * Imported as `#client-node`: bundles take it from here, and a program that runs unbundled from what dev/library.ts made.
 */
export { RequestContext, ResponseContext } from '@kubernetes/client-node/dist/gen/http/http.js';
export { from } from '@kubernetes/client-node/dist/gen/rxjsStub.js';
export {
  ObjectAdmissionregistrationV1Api as AdmissionregistrationV1Api,
  ObjectApiextensionsV1Api as ApiextensionsV1Api,
  ObjectAppsV1Api as AppsV1Api,
  ObjectAuthenticationV1Api as AuthenticationV1Api,
  ObjectAuthorizationV1Api as AuthorizationV1Api,
  ObjectBatchV1Api as BatchV1Api,
  ObjectCoordinationV1Api as CoordinationV1Api,
  ObjectCoreV1Api as CoreV1Api,
  ObjectCustomObjectsApi as CustomObjectsApi,
  ObjectDiscoveryV1Api as DiscoveryV1Api,
  ObjectEventsV1Api as EventsV1Api,
  ObjectNetworkingV1Api as NetworkingV1Api,
  ObjectPolicyV1Api as PolicyV1Api,
} from '@kubernetes/client-node/dist/gen/types/ObjectParamAPI.js';
