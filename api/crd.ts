/** The three CustomResourceDefinitions, each in both versions, made from the zod schemas. */
import type * as z from 'zod';
import { maxPoolNameLength } from './limits/fields.ts';
import {
  CATEGORY,
  CONVERSION_PATH,
  GROUP,
  KINDS,
  OLD_VERSION,
  STORAGE_VERSION,
  SYSTEM_NAMESPACE,
  WEBHOOKS,
  type Version,
} from './names.ts';
import { oidcConfigStatus, poolStatus, workerStatus } from './status.ts';
import { makeStructuralSchema, type JsonSchema } from './structural.ts';
import { oidcConfigSpec as v1alpha1OidcConfig } from './v1alpha1/oidc-config.ts';
import { poolSpec as v1alpha1Pool } from './v1alpha1/pool.ts';
import { workerSpec as v1alpha1Worker } from './v1alpha1/worker.ts';
import { oidcConfigSpec as v1beta1OidcConfig } from './v1beta1/oidc-config.ts';
import { poolSpec as v1beta1Pool } from './v1beta1/pool.ts';
import { workerSpec as v1beta1Worker } from './v1beta1/worker.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  /** 1 shows the column with `-o wide` alone. */
  readonly priority?: 1;
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const column = (name: string, type: Column['type'], jsonPath: string): Column => ({ name, type, jsonPath });
const wideColumn = (name: string, jsonPath: string): Column => ({ ...column(name, 'string', jsonPath), priority: 1 });

const conditionPath = (type: string, member: 'status' | 'reason'): string =>
  `.status.conditions[?(@.type=="${type}")].${member}`;

interface CrdParts {
  readonly names: (typeof KINDS)[keyof typeof KINDS];
  readonly description: string;
  readonly specs: Readonly<Record<Version, JsonSchema>>;
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
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: [CATEGORY] },
      conversion,
      versions: [makeVersion(STORAGE_VERSION, parts), makeVersion(OLD_VERSION, parts)],
    },
  };
}

/** The authority writes caBundle. */
const conversion = {
  strategy: 'Webhook',
  webhook: {
    conversionReviewVersions: ['v1'],
    clientConfig: {
      service: { name: WEBHOOKS.service, namespace: SYSTEM_NAMESPACE, path: CONVERSION_PATH, port: 443 },
    },
  },
};

const makeVersion = (name: Version, parts: CrdParts): JsonSchema => ({
  name,
  served: true,
  storage: name === STORAGE_VERSION,
  subresources: { status: {} },
  additionalPrinterColumns: parts.columns,
  ...makeSelectableFields(name, parts.selectableFields),
  schema: { openAPIV3Schema: makeRootSchema(name, parts) },
});

/** The apiserver wants equal lists above the versions, where it takes none when schemas differ: so the order differs. */
function makeSelectableFields(name: Version, fields: readonly string[] | undefined): JsonSchema {
  if (fields === undefined) return {};
  const ordered = name === STORAGE_VERSION ? fields : fields.toReversed();
  return { selectableFields: ordered.map((jsonPath) => ({ jsonPath })) };
}

const makeRootSchema = (
  version: Version,
  { description, specs, status, required, metadata }: CrdParts,
): JsonSchema => ({
  type: 'object',
  description,
  ...(required === undefined ? {} : { required }),
  properties: {
    apiVersion: { type: 'string', description: 'Version of this object.' },
    kind: { type: 'string', description: 'Kind of this object.' },
    metadata: { type: 'object', ...metadata },
    spec: specs[version],
    status: makeStructuralSchema(status),
  },
});

const inBoth = (make: (schema: z.ZodType) => JsonSchema, schemas: Readonly<Record<Version, z.ZodType>>) => ({
  v1alpha1: make(schemas.v1alpha1),
  v1beta1: make(schemas.v1beta1),
});

/** `spec:` with nothing under it is null, which the default replaces: an empty pool is a good pool. */
const makePoolSpec = (schema: z.ZodType): JsonSchema => ({ ...makeStructuralSchema(schema), default: {} });

export const makeCrds = (): Readonly<Record<string, JsonSchema>> => ({
  [KINDS.pool.plural]: makeCrd({
    names: KINDS.pool,
    description: 'A pool of BuildKit workers that tenants share.',
    specs: inBoth(makePoolSpec, { v1alpha1: v1alpha1Pool, v1beta1: v1beta1Pool }),
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
    specs: inBoth(makeStructuralSchema, { v1alpha1: v1alpha1Worker, v1beta1: v1beta1Worker }),
    status: workerStatus,
    required: ['spec'],
    selectableFields: ['.spec.poolRef.name', '.spec.poolRef.namespace'],
    columns: [
      column('Pool', 'string', '.spec.poolRef.name'),
      column('Pool-Namespace', 'string', '.spec.poolRef.namespace'),
      column('Phase', 'string', '.status.phase'),
      column('Pod', 'string', '.status.podName'),
      age,
      wideColumn('Permitted', conditionPath('ResolvedRefs', 'status')),
      wideColumn('Reason', conditionPath('ResolvedRefs', 'reason')),
    ],
  }),
  [KINDS.oidcConfig.plural]: makeCrd({
    names: KINDS.oidcConfig,
    description: 'An OIDC issuer whose tokens count for pools.',
    specs: inBoth(makeStructuralSchema, { v1alpha1: v1alpha1OidcConfig, v1beta1: v1beta1OidcConfig }),
    status: oidcConfigStatus,
    required: ['spec'],
    columns: [
      column('Issuer', 'string', '.spec.issuer'),
      column('Ready', 'boolean', '.status.ready'),
      age,
      wideColumn('Reason', conditionPath('Ready', 'reason')),
    ],
  }),
});
