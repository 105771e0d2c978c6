/** What the status of one pool is computed from. */
import type { ObjectMeta, Condition } from '../../api/fields.ts';
import type { WorkerStatus } from '../../api/status.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

/** apps/v1 Deployment, as far as it is read here. */
export interface GatewayDeployment extends Labelled {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/** What has the names of a gateway's objects, whoever made it. */
export interface GatewayObjects {
  readonly deployment: GatewayDeployment | undefined;
  readonly service: Labelled | undefined;
}

/** A worker as far as it is counted. */
export interface CountedWorker {
  readonly metadata: Pick<ObjectMeta, 'namespace' | 'deletionTimestamp'>;
  readonly spec: { readonly poolRef: Worker['spec']['poolRef'] };
  readonly status?: {
    readonly phase?: WorkerStatus['phase'];
    readonly conditions?: readonly Pick<Condition, 'type' | 'status'>[] | undefined;
  };
}

/** Where workers were looked for, and at which resource version at least; undefined where that can't be compared. */
export interface Extent {
  readonly namespaces: ReadonlySet<string> | 'all';
  readonly version: number | undefined;
}

/** An OIDC config as far as it is said to count. */
export type JudgedConfig = Pick<OidcConfig, 'metadata' | 'status'>;

export interface Observed {
  readonly pool: Pool;
  /** May hold workers of pools that have the same name in other namespaces. */
  readonly workers: readonly CountedWorker[];
  readonly extent: Extent;
  /** Undefined where it is as the status says. */
  readonly gateway: GatewayObjects | undefined;
  /** UIDs of the Pods of the gateway that exist; undefined where no status depends on them. */
  readonly gatewayPods: ReadonlySet<string> | undefined;
  /** Those of the configs that the pool lists which exist; by `<namespace>/<name>`. */
  readonly configs: ReadonlyMap<string, JudgedConfig>;
}

/** The resource version that a write gave the object; `stale`: somebody wrote it since it was read. */
export type ApplyResult = { readonly written: string } | 'stale' | 'gone';
