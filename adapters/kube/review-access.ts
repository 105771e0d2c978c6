/** Asks the apiserver whether somebody may do something (authorization.k8s.io/v1 SubjectAccessReview). */
import type { V1SubjectAccessReviewSpec } from '@kubernetes/client-node';
import { AuthorizationV1Api } from '#client-node';
import { apiOf, type Kube } from './api.ts';
import { KubeError } from './errors.ts';
import type { Json } from './json.ts';

/** @throws {KubeError} when the authorizer gave no verdict. */
export async function reviewAccess(kube: Kube, spec: Json<V1SubjectAccessReviewSpec>): Promise<boolean> {
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const { status } = await apiOf(kube, AuthorizationV1Api).createSubjectAccessReview({ body });
  if (status?.denied === true) return false;
  if (status?.allowed === true) return true;
  const evaluationError = status?.evaluationError ?? '';
  if (evaluationError === '') return false;
  throw new KubeError(500, 'EvaluationError', `authorizer gave no verdict: ${evaluationError}`);
}
