/** What the status of one pool is computed from. */
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

export interface Observed {
  readonly pool: Pool;
  /** May hold workers of pools that have the same name in other namespaces. */
  readonly workers: readonly Worker[];
  /** Object with the name of the gateway's Deployment, whoever made it. */
  readonly deployment: GatewayDeployment | undefined;
  /** Object with the name of the gateway's Service, whoever made it. */
  readonly service: Labelled | undefined;
  /** UIDs of the Pods of the gateway that exist; undefined where no status depends on them. */
  readonly gatewayPods: ReadonlySet<string> | undefined;
}
