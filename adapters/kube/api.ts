/**
 * The API classes of @kubernetes/client-node over our transport:
 * `apiOf(kube, CoreV1Api).readNamespacedConfigMap({ namespace, name })`.
 * Most code wants a resource of resources.ts instead.
 */
import type { Configuration, ConfigurationOptions } from '@kubernetes/client-node';
import { from, RequestContext, ResponseContext } from '#client-node';
import type { KubeCall, KubeClient } from './client.ts';
import type { Json } from './json.ts';
import { checkPath } from './paths.ts';

export type Kube = Pick<KubeClient, 'call'>;

/** What the parameters of an API class can't say. */
export type CallOptions = Pick<KubeCall, 'accept' | 'contentType' | 'timeoutMs' | 'maxBytes'>;

export type ApiClass<A extends object = object> = new (configuration: Configuration) => A;

/** The methods of an API class as they are over our serializer: objects are JSON. */
export type Api<A> = {
  readonly [M in keyof A]: A[M] extends (parameters: infer P, options?: ConfigurationOptions) => Promise<infer R>
    ? (parameters: Json<P>) => Promise<Json<R>>
    : never;
};

export const apiOf = <A extends object>(kube: Kube, Class: ApiClass<A>, options?: CallOptions): Api<A> =>
  new Class(configure(kube, options)) as unknown as Api<A>;

/** Never sent: the transport knows the apiserver. */
const origin = 'https://kubernetes.invalid';

export const configure = (kube: Kube, options: CallOptions = {}): Configuration => ({
  baseServer: {
    makeRequestContext: (path, method) => {
      // Before it becomes a URL, in which such a segment would be a step.
      checkPath(path);
      return new RequestContext(origin + path, method);
    },
  },
  httpApi: { send: (context) => from(send(kube, context, options)) },
  middleware: [],
  authMethods: {},
});

async function send(kube: Kube, context: RequestContext, options: CallOptions): Promise<ResponseContext> {
  const body: unknown = await kube.call({ ...toCall(context), ...options });
  const type = { 'content-type': 'application/json' };
  // The serializer takes it as it is; see there.
  return new ResponseContext(200, type, { text: () => Promise.resolve(body as string) } as ResponseContext['body']);
}

function toCall(context: RequestContext): KubeCall {
  const { pathname, searchParams } = new URL(context.getUrl());
  const body: unknown = context.getBody();
  const method = context.getHttpMethod() as NonNullable<KubeCall['method']>;
  return {
    ...(method === 'GET' ? {} : { method }),
    path: pathname,
    ...(searchParams.size === 0 ? {} : { query: Object.fromEntries(searchParams) }),
    ...(body === undefined ? {} : { body }),
  };
}
