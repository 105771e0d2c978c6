/** `type` of the events that Knative's sources send. */

/** ApiServerSource, mode Resource. */
export const RESOURCE_EVENT_TYPES = {
  add: 'dev.knative.apiserver.resource.add',
  update: 'dev.knative.apiserver.resource.update',
  delete: 'dev.knative.apiserver.resource.delete',
} as const;

export const PING_EVENT_TYPE = 'dev.knative.sources.ping';
