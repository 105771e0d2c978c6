/** What the doctor looks at: objects of the apiserver, as far as the checks compare them. No I/O. No clock. */
import type { Condition } from '../../api/fields.ts';

/** `absent`: there is none. `hidden`: the caller may not look. */
export type Lookup<T> = T | 'absent' | 'hidden';

export const valueOf = <T extends object>(lookup: Lookup<T>): T | undefined =>
  lookup === 'absent' || lookup === 'hidden' ? undefined : lookup;

/** What is there of a collection; nothing where it is hidden, which is told elsewhere. */
export const listOf = <T>(lookup: Lookup<readonly T[]>): readonly T[] => valueOf(lookup) ?? [];

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly { readonly time?: string; readonly subresource?: string }[];
}

type StoredCondition = Pick<Condition, 'type' | 'status'> & Partial<Condition>;

export interface ClientConfig {
  /** Base64 of PEM. */
  readonly caBundle?: string;
  readonly url?: string;
}

export interface Definition {
  readonly spec: {
    readonly versions: unknown;
    readonly conversion?: {
      readonly strategy?: string;
      readonly webhook?: { readonly clientConfig?: ClientConfig };
    };
  };
  readonly status?: { readonly conditions?: readonly StoredCondition[]; readonly storedVersions?: readonly string[] };
}

export interface WebhookEntry {
  readonly name: string;
  readonly clientConfig: ClientConfig;
}

export interface Registration {
  readonly webhooks?: readonly WebhookEntry[];
}

export interface Deployment {
  readonly metadata: Meta;
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number; readonly conditions?: readonly StoredCondition[] };
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string };
}

export interface Pod {
  readonly metadata: Meta;
  readonly status?: {
    readonly conditions?: readonly StoredCondition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: ContainerState;
}

export interface EndpointSlice {
  readonly metadata: Meta;
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

export interface Job {
  readonly metadata: Meta;
  readonly status?: { readonly conditions?: readonly StoredCondition[] };
}

export interface CronJob {
  readonly metadata: Meta;
  readonly spec: { readonly suspend?: boolean };
}

/** Anything that tells how it is by conditions: ours, and Knative's. */
export interface WithConditions {
  readonly metadata: Meta;
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly StoredCondition[] };
}

/** An ApiServerSource or PingSource. */
export interface Source extends WithConditions {
  readonly spec?: { readonly sink?: { readonly ref?: { readonly name?: string } } };
}

export interface Worker extends WithConditions {
  readonly spec: { readonly poolRef: { readonly name: string; readonly namespace?: string } };
  readonly status?: WithConditions['status'] & { readonly phase?: string };
}

export interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}

/** A right of the account of a part; `name` where it is held to one object. */
export interface Right {
  readonly account: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** How the apiserver answered a write that changes nothing. */
export interface Answer {
  /** HTTP; 0 where none came in time. */
  readonly status: number;
  readonly message: string;
}

export interface Observed {
  readonly kubernetes: Lookup<{ readonly major: string; readonly minor: string; readonly gitVersion: string }>;
  readonly namespace: Lookup<{ readonly metadata: Meta }>;
  readonly settings: Lookup<ConfigMap>;
  readonly trust: Lookup<ConfigMap>;
  /** By plural. */
  readonly definitions: Readonly<Record<string, Lookup<Definition>>>;
  readonly mutating: Lookup<Registration>;
  readonly validating: Lookup<Registration>;
  /** Dry-run writes of a worker: in the version that webhooks see, and in the one that must be converted first. */
  readonly admission: Lookup<Answer>;
  readonly conversion: Lookup<Answer>;
  /** By name; nothing of what they hold is read. */
  readonly secrets: Readonly<Record<string, Lookup<object>>>;
  /** Of the controller's namespace. */
  readonly accounts: Lookup<readonly { readonly metadata: Meta }[]>;
  readonly deployments: Lookup<readonly Deployment[]>;
  readonly pods: Lookup<readonly Pod[]>;
  readonly endpointSlices: Lookup<readonly EndpointSlice[]>;
  readonly jobs: Lookup<readonly Job[]>;
  readonly cronJobs: Lookup<readonly CronJob[]>;
  /** Absent, here and below, where the cluster does not have the kind. */
  readonly certManagerCertificates: Lookup<readonly WithConditions[]>;
  readonly knativeServices: Lookup<readonly WithConditions[]>;
  readonly apiServerSources: Lookup<readonly Source[]>;
  readonly pingSources: Lookup<readonly Source[]>;
  /** Rights that accounts lack; of an account that is not there too. */
  readonly missingRights: Lookup<readonly Right[]>;
  readonly pools: Lookup<readonly WithConditions[]>;
  readonly workers: Lookup<readonly Worker[]>;
  readonly oidcConfigs: Lookup<readonly WithConditions[]>;
  /** What the caller may not see, in the words of the apiserver. */
  readonly unseen: readonly string[];
  /** What the caller may not do, where the right to it is more than to look, so that nobody is told to ask for it. */
  readonly skipped: readonly string[];
}

/** What the manifests of this release install. */
export interface Release {
  readonly mutating: readonly WebhookEntry[];
  readonly validating: readonly WebhookEntry[];
  /** Names of all Deployments that an overlay may have. */
  readonly workloads: readonly string[];
  /** Names of the ServiceAccounts that every overlay has. */
  readonly accounts: readonly string[];
  readonly rights: readonly Right[];
}

export const conditionOf = (
  object: { readonly status?: { readonly conditions?: readonly StoredCondition[] } },
  type: string,
): StoredCondition | undefined => object.status?.conditions?.find((condition) => condition.type === type);

/** `<namespace>/<name>`, or the name alone. */
export const nameOf = ({ metadata: { namespace, name } }: { readonly metadata: Meta }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;
