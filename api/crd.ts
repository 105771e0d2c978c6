/** The three CustomResourceDefinitions, made from the zod schemas. */
import type { z } from 'zod';
import { GROUP, KINDS, VERSION } from './names.ts';
import { makeStructuralSchema, type JsonSchema } from './structural.ts';
import { oidcConfigSpec, oidcConfigStatus } from './v1alpha1/oidc-config.ts';
import { poolSpec, poolStatus } from './v1alpha1/pool.ts';
import { workerSpec, workerStatus } from './v1alpha1/worker.ts';
import { maxPoolNameLength } from './limits.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
}

/** A CEL rule with the words of a forbidden change: `<path>: Forbidden: field is immutable`. */
const immutable = (rule: string, fieldPath?: string) => ({
  rule,
  message: 'field is immutable',
  reason: 'FieldValueForbidden',
  ...(fieldPath === undefined ? {} : { fieldPath }),
});

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const column = (name: string, type: Column['type'], jsonPath: string): Column => ({ name, type, jsonPath });

interface CrdParts {
  readonly names: (typeof KINDS)[keyof typeof KINDS];
  readonly description: string;
  readonly spec: JsonSchema;
  readonly status: z.ZodType;
  readonly columns: readonly Column[];
  readonly required?: readonly string[];
  readonly metadata?: JsonSchema;
  readonly selectableFields?: readonly string[];
}

function makeCrd(parts: CrdParts): JsonSchema {
  const { kind, plural, singular, shortName } = parts.names;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, labels: { 'app.kubernetes.io/part-of': 'buildkit-controller' } },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: parts.columns,
          ...(parts.selectableFields === undefined
            ? {}
            : { selectableFields: parts.selectableFields.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: makeRootSchema(parts) },
        },
      ],
    },
  };
}

const makeRootSchema = ({ description, spec, status, required, metadata }: CrdParts): JsonSchema => ({
  type: 'object',
  description,
  ...(required === undefined ? {} : { required }),
  properties: {
    apiVersion: { type: 'string', description: 'Version of this object.' },
    kind: { type: 'string', description: 'Kind of this object.' },
    metadata: { type: 'object', ...metadata },
    spec,
    status: makeStructuralSchema(status),
  },
});

/** `spec:` with nothing under it is null, which the default replaces: an empty pool is a good pool. */
const makePoolSpec = (): JsonSchema => ({ ...makeStructuralSchema(poolSpec), default: {} });

function makeWorkerSpec(): JsonSchema {
  const schema = makeStructuralSchema(workerSpec);
  const properties = schema['properties'] as Record<string, JsonSchema>;
  return {
    ...schema,
    properties: {
      ...properties,
      poolRef: { ...properties['poolRef'], 'x-kubernetes-validations': [immutable('self == oldSelf')] },
      requester: { ...properties['requester'], 'x-kubernetes-validations': [immutable('self == oldSelf')] },
    },
    // A rule on an optional field is not asked when the field comes or goes: the parent holds that.
    'x-kubernetes-validations': [immutable('has(self.requester) == has(oldSelf.requester)', '.requester')],
  };
}

export const makeCrds = (): Readonly<Record<string, JsonSchema>> => ({
  [KINDS.pool.plural]: makeCrd({
    names: KINDS.pool,
    description: 'A pool of BuildKit workers that tenants share.',
    spec: makePoolSpec(),
    status: poolStatus,
    metadata: {
      properties: { name: { type: 'string', maxLength: maxPoolNameLength, pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$' } },
    },
    columns: [
      column('Phase', 'string', '.status.phase'),
      column('Gateway', 'boolean', '.status.gateway.ready'),
      column('Workers', 'integer', '.status.workers.total'),
      column('Ready', 'integer', '.status.workers.ready'),
      column('Allocated', 'integer', '.status.workers.allocated'),
      column('Connections', 'integer', '.status.connections.active'),
      age,
    ],
  }),
  [KINDS.worker.plural]: makeCrd({
    names: KINDS.worker,
    description: 'A BuildKit worker that serves one pool.',
    spec: makeWorkerSpec(),
    status: workerStatus,
    required: ['spec'],
    selectableFields: ['.spec.poolRef.name', '.spec.poolRef.namespace'],
    columns: [
      column('Pool', 'string', '.spec.poolRef.name'),
      column('Pool-Namespace', 'string', '.spec.poolRef.namespace'),
      column('Phase', 'string', '.status.phase'),
      column('Pod', 'string', '.status.podName'),
      age,
    ],
  }),
  [KINDS.oidcConfig.plural]: makeCrd({
    names: KINDS.oidcConfig,
    description: 'An OIDC issuer whose tokens count for pools.',
    spec: makeStructuralSchema(oidcConfigSpec),
    status: oidcConfigStatus,
    required: ['spec'],
    columns: [column('Issuer', 'string', '.spec.issuer'), column('Ready', 'boolean', '.status.ready'), age],
  }),
});
