/** Objects of our kinds with every field their schema has: as much as a conversion can have to move. */
import type * as z from 'zod';
import { GROUP, KINDS, type Version } from '../api/names.ts';
import { oidcConfigSpec as alphaOidcConfig } from '../api/v1alpha1/oidc-config.ts';
import { poolSpec as alphaPool } from '../api/v1alpha1/pool.ts';
import { workerSpec as alphaWorker } from '../api/v1alpha1/worker.ts';
import { oidcConfigSpec as betaOidcConfig } from '../api/v1beta1/oidc-config.ts';
import { poolSpec as betaPool } from '../api/v1beta1/pool.ts';
import { workerSpec as betaWorker } from '../api/v1beta1/worker.ts';

type Definition =
  | { readonly type: 'object'; readonly shape: Readonly<Record<string, z.ZodType>> }
  | { readonly type: 'optional'; readonly innerType: z.ZodType }
  | { readonly type: 'array'; readonly element: z.ZodType }
  | { readonly type: 'record'; readonly valueType: z.ZodType }
  | { readonly type: 'union'; readonly options: readonly [z.ZodType, ...z.ZodType[]] }
  | { readonly type: 'enum'; readonly entries: Readonly<Record<string, string>> }
  | { readonly type: 'boolean' | 'number' | 'string' };

/** A value with every member, and two items in every list and map. Texts need not be what a rule expects. */
function fill(schema: z.ZodType): unknown {
  const { def } = schema._zod as unknown as { readonly def: Definition };
  switch (def.type) {
    case 'object':
      return Object.fromEntries(Object.entries(def.shape).map(([key, member]) => [key, fill(member)]));
    case 'optional':
      return fill(def.innerType);
    case 'array':
      return [fill(def.element), fill(def.element)];
    case 'record':
      return { 'example.com/a': fill(def.valueType), 'example.com/b': fill(def.valueType) };
    case 'union':
      return fill(def.options[0]);
    case 'enum':
      return Object.values(def.entries)[0];
    case 'boolean':
      return true;
    case 'number':
      return 1;
    case 'string':
      return 'some-text-of-usual-length';
  }
}

const make = (kind: string, version: Version, spec: unknown): object => ({
  apiVersion: `${GROUP}/${version}`,
  kind,
  metadata: {
    name: 'an-object',
    namespace: 'tenant-a',
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    resourceVersion: '123456',
    generation: 3,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'app.kubernetes.io/part-of': 'builds' },
  },
  spec,
});

export interface Sample {
  readonly name: string;
  readonly object: object;
  /** The version it is converted to. */
  readonly to: Version;
}

const schemas = [
  ['pool', { v1alpha1: alphaPool, v1beta1: betaPool }],
  ['worker', { v1alpha1: alphaWorker, v1beta1: betaWorker }],
  ['oidcConfig', { v1alpha1: alphaOidcConfig, v1beta1: betaOidcConfig }],
] as const;

/** Every kind with every field, in each version. */
const filled: readonly Sample[] = schemas.flatMap(([key, { v1alpha1, v1beta1 }]) => {
  const { kind } = KINDS[key];
  return [
    { name: `every field of a v1alpha1 ${kind}`, object: make(kind, 'v1alpha1', fill(v1alpha1)), to: 'v1beta1' },
    { name: `every field of a v1beta1 ${kind}`, object: make(kind, 'v1beta1', fill(v1beta1)), to: 'v1alpha1' },
  ] as const;
});

const typical = {
  scaling: { mode: 'auto', min: 0, max: 10, scaleDownDelay: '10m' },
  resources: { buildkit: { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '16Gi' } } },
  cache: { gc: { enabled: true, keepStorage: '50Gi' } },
  gateway: { replicas: 2, tokenTTL: '1h' },
  access: { workers: { namespaces: { from: 'All' } }, clients: { namespaces: { from: 'All' } } },
};

export const typicalPool: Sample = {
  name: 'usual pool',
  object: make(KINDS.pool.kind, 'v1alpha1', typical),
  to: 'v1beta1',
};

export const samples: readonly Sample[] = [...filled, typicalPool];
