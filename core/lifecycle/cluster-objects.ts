/** Objects of Kubernetes, as far as lifecycle reads them. */
import type { ObjectMeta } from '../../api/fields.ts';

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface OwnedMeta extends ObjectMeta {
  readonly ownerReferences?: readonly OwnerReference[];
}

/** core/v1 ContainerStatus */
export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string };
  };
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** core/v1 Pod of a worker. */
export interface Pod {
  readonly metadata: OwnedMeta;
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly PodCondition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/** coordination.k8s.io/v1 Lease of a worker. */
export interface Lease {
  readonly metadata: OwnedMeta;
  readonly spec: {
    /** `<worker namespace>/<worker name>` */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Whether the object is made by us for that owner: one that only has the name of ours is somebody else's. */
export const isControlledBy = ({ ownerReferences = [] }: OwnedMeta, ownerUid: string): boolean =>
  ownerReferences.some(({ uid, controller }) => controller === true && uid === ownerUid);
