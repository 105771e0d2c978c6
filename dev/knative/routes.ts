/** What Knative's Ingresses ask of an ingress, and what it answers. No I/O. */

/** networking.internal.knative.dev/v1alpha1, as much of it as a development ingress needs. */
export interface Ingress {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly generation: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly rules?: readonly Rule[] };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface Rule {
  readonly hosts?: readonly string[];
  readonly http?: { readonly paths: readonly Path[] };
}

interface Path {
  /** Only for requests that carry these. */
  readonly headers?: object;
  readonly appendHeaders?: Readonly<Record<string, string>>;
  readonly splits: readonly Split[];
}

interface Split {
  readonly serviceNamespace: string;
  readonly serviceName: string;
  readonly servicePort: number | string;
  /** 100 when absent. */
  readonly percent?: number;
  readonly appendHeaders?: Readonly<Record<string, string>>;
}

/** Where requests for a host go, and what they carry beside what they came with. */
export interface Route {
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  readonly headers: Readonly<Record<string, string>>;
}

const classAnnotation = 'networking.knative.dev/ingress.class';

export const isOfClass = ({ metadata }: Ingress, ingressClass: string): boolean =>
  metadata.annotations?.[classAnnotation] === ingressClass;

/** By host. Traffic that is split goes where most of it should: nothing here is rolled out in steps. */
export function makeRoutes(ingresses: readonly Ingress[]): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const { hosts = [], http } of ingresses.flatMap(({ spec }) => spec.rules ?? [])) {
    const path = http?.paths.find(({ headers }) => headers === undefined);
    const split = path?.splits.toSorted((a, b) => (b.percent ?? 100) - (a.percent ?? 100))[0];
    if (path === undefined || split === undefined) continue;
    const { serviceNamespace: namespace, serviceName: name, servicePort: port } = split;
    const route = {
      service: { namespace, name, port: Number(port) },
      headers: { ...path.appendHeaders, ...split.appendHeaders },
    };
    for (const host of hosts) routes.set(host, route);
  }
  return routes;
}

/** Whether Knative knows already that what it asks for is served. */
export const isAcknowledged = ({ metadata, status }: Ingress): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/** That all of it is served, at the address. Names of services inside the cluster then lead there, to port 80. */
export function makeStatus({ metadata }: Ingress, address: string, now: Date): object {
  const loadBalancer = { ingress: [{ ip: address }] };
  return {
    observedGeneration: metadata.generation,
    conditions: ['LoadBalancerReady', 'NetworkConfigured', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now.toISOString(),
    })),
    publicLoadBalancer: loadBalancer,
    privateLoadBalancer: loadBalancer,
  };
}
