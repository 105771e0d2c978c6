/** Pages about every field of every kind, in both versions, made from the zod schemas. */
import * as z from 'zod';
import { KINDS, OLD_VERSION, STORAGE_VERSION, type Version } from './names.ts';
import {
  oidcConfigFieldMappings,
  oldPoolNotes,
  poolFieldMappings,
  sharedMeanings,
  workerFieldMappings,
  type FieldMapping,
} from './field-mapping.ts';
import { oidcConfigStatus, poolStatus, workerStatus } from './status.ts';
import type { JsonSchema } from './structural.ts';
import { oidcConfigSpec as oldOidcConfig } from './v1alpha1/oidc-config.ts';
import { poolSpec as oldPool } from './v1alpha1/pool.ts';
import { workerSpec as oldWorker } from './v1alpha1/worker.ts';
import { oidcConfigSpec } from './v1beta1/oidc-config.ts';
import { poolSpec } from './v1beta1/pool.ts';
import { workerSpec } from './v1beta1/worker.ts';

interface Page {
  readonly kind: string;
  readonly v1alpha1: z.ZodType;
  readonly v1beta1: z.ZodType;
  readonly status: z.ZodType;
  readonly mappings: readonly FieldMapping[];
  readonly notes: Readonly<Record<string, string>>;
}

const pages: readonly Page[] = [
  {
    kind: KINDS.pool.kind,
    v1alpha1: oldPool,
    v1beta1: poolSpec,
    status: poolStatus,
    mappings: poolFieldMappings,
    notes: oldPoolNotes,
  },
  {
    kind: KINDS.worker.kind,
    v1alpha1: oldWorker,
    v1beta1: workerSpec,
    status: workerStatus,
    mappings: workerFieldMappings,
    notes: {},
  },
  {
    kind: KINDS.oidcConfig.kind,
    v1alpha1: oldOidcConfig,
    v1beta1: oidcConfigSpec,
    status: oidcConfigStatus,
    mappings: oidcConfigFieldMappings,
    notes: {},
  },
];

/** Path below the root of the repository -> content. */
export const makeReferencePages = (): Record<string, string> => ({
  ...Object.fromEntries(
    ([STORAGE_VERSION, OLD_VERSION] as const).map((version) => [
      `docs/reference/${version}.md`,
      makeVersionPage(version),
    ]),
  ),
  'docs/reference/v1alpha1-fields.md': makeFieldMappingPage(),
});

const header = '<!-- Generated from api/ by `npm run generate`; do not edit. -->\n';

const makeVersionPage = (version: Version): string =>
  [
    header,
    `# ${version}\n`,
    version === STORAGE_VERSION
      ? 'Objects are stored in this version. [v1alpha1](v1alpha1.md) is served beside it.\n'
      : 'Served beside [v1beta1](v1beta1.md), in which objects are stored; [what becomes of its fields](v1alpha1-fields.md).\n',
    'A field in **bold** is required where its section stands. Text is counted in characters.\n',
    ...pages.map(
      (page) =>
        `## ${page.kind}\n\n${makeTable(readFields(page[version], 'spec'))}\n### Status\n\n${makeTable(readFields(page.status, 'status'))}`,
    ),
  ].join('\n');

interface Field {
  readonly path: string;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
}

/** Every field below `root`, sections before what is in them. */
function readFields(schema: z.ZodType, root: string): Field[] {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as JsonSchema;
  return readNode({ path: root, isRequired: false, schema: json });
}

function readNode(field: Field): Field[] {
  const { path, schema } = field;
  const { properties = {}, required = [], items, additionalProperties } = schema as Partial<Node>;
  const below = Object.entries(properties).map(([name, member]) => ({
    path: `${path}.${name}`,
    isRequired: required.includes(name),
    schema: member,
  }));
  const element = items?.properties === undefined ? [] : [{ path: `${path}[]`, isRequired: false, schema: items }];
  const value =
    additionalProperties?.properties === undefined
      ? []
      : [{ path: `${path}.*`, isRequired: false, schema: additionalProperties }];
  return [field, ...below.flatMap(readNode), ...[...element, ...value].flatMap((one) => readNode(one).slice(1))];
}

interface Node {
  readonly properties: Record<string, JsonSchema>;
  readonly required: readonly string[];
  readonly items: JsonSchema;
  readonly additionalProperties: JsonSchema;
}

function makeTable(fields: readonly Field[]): string {
  const lines = fields.map(({ path, isRequired, schema }) => {
    const { description = '' } = schema as { description?: string };
    const [text, absent] = splitDescription(description);
    const name = isRequired ? `**\`${path}\`**` : `\`${path}\``;
    return `| ${[name, typeOf(schema), absent, limitsOf(schema).join('; '), exampleOf(schema), text].map(escape).join(' | ')} |`;
  });
  return `| field | type | when absent | limits | example | what it says |\n| --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

/** `What it says; <value> when absent.` */
function splitDescription(description: string): [string, string] {
  const [, text, absent] = /^(.*); (.+) when absent\.$/s.exec(description) ?? [];
  return text === undefined || absent === undefined ? [description, ''] : [`${text}.`, absent];
}

function typeOf(schema: JsonSchema): string {
  const { type, items, additionalProperties } = schema as Partial<Node> & { type?: string };
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeOf(items)}`;
  if (type === 'object' && additionalProperties !== undefined) return `map of ${typeOf(additionalProperties)}`;
  if (schema['isTime'] === true) return 'time (RFC 3339)';
  return type === 'string' ? 'text' : (type ?? 'quantity');
}

function limitsOf(schema: JsonSchema): string[] {
  const { minimum, maximum, minLength, maxLength, maxItems, maxProperties, enum: words, expected } = schema;
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly { message: string; fieldPath?: string }[];
  // A rule with a path is about that member, which says it itself.
  const own = rules.filter(({ fieldPath }) => fieldPath === undefined);
  return [
    Array.isArray(words) ? words.map((word) => `\`${String(word)}\``).join(', ') : undefined,
    rangeOf(minimum, maximum),
    typeof maxLength === 'number'
      ? `${typeof minLength === 'number' ? `${minLength} to` : 'at most'} ${maxLength} characters`
      : undefined,
    typeof maxItems === 'number' ? `at most ${maxItems}` : undefined,
    typeof maxProperties === 'number' ? `at most ${maxProperties}` : undefined,
    typeof expected === 'string' ? expected : undefined,
    ...own.map(({ message }) => message),
    // A list of plain values has no row for them.
    ...[schema['items'], schema['additionalProperties']].flatMap(limitsOfPlain),
  ].filter((limit) => limit !== undefined);
}

function limitsOfPlain(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null || 'properties' in schema) return [];
  return limitsOf(schema as JsonSchema).map((limit) => `each ${limit}`);
}

function exampleOf(schema: JsonSchema): string {
  const example = schema['example'] ?? (schema['items'] as JsonSchema | undefined)?.['example'];
  return typeof example === 'string' ? `\`${example}\`` : '';
}

function rangeOf(minimum: unknown, maximum: unknown): string | undefined {
  if (isBound(minimum) && isBound(maximum)) return `${minimum} to ${maximum}`;
  if (isBound(minimum)) return `at least ${minimum}`;
  return isBound(maximum) ? `at most ${maximum}` : undefined;
}

/** What the type says already is no bound. */
const isBound = (bound: unknown): bound is number => typeof bound === 'number' && Math.abs(bound) < 2 ** 31 - 1;

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function makeFieldMappingPage(): string {
  const sections = pages.map(({ kind, v1alpha1, mappings, notes }) => {
    const fields = readFields(v1alpha1, '').map(({ path }) => path.replace(/^\./, ''));
    const lines = fields.flatMap((path) => describeField(path, mappings, notes));
    return `## ${kind}\n\n| v1alpha1 | v1beta1 |\n| --- | --- |\n${lines.join('\n')}\n`;
  });
  return [header, `# Fields of v1alpha1 in v1beta1\n`, intro, ...sections].join('\n');
}

const intro = `Every field of a v1alpha1 spec, where it stands in v1beta1, and what becomes of it. Status says the same in both versions.

Each field has one path of its own in the other version, with the same value: what is set, changed or removed in one
version is set, changed or removed in the other. Words of v1alpha1 that v1beta1 has no other word for stand in
\`spec.v1alpha1\` there; so do its empty sections. An empty section there says nothing where the section is not empty in
v1alpha1, and is gone after the next write in v1alpha1.
`;

/** The line of a field; none for what is said with its section, or by the fields below it. */
function describeField(
  path: string,
  mappings: readonly FieldMapping[],
  notes: Readonly<Record<string, string>>,
): string[] {
  const own = mappings.filter(({ v1alpha1 }) => v1alpha1 === path || v1alpha1 === `${path}.*`);
  const [first] = own;
  if (first !== undefined) return [`| \`${path}\` | ${describeMapping(path, first)} |`];
  if (
    path === '' ||
    isDescribedAbove(path, mappings, notes) ||
    mappings.some(({ v1alpha1 }) => isBelow(v1alpha1, path))
  )
    return [];
  return [
    `| \`${path}\` | ${[`\`${OLD_VERSION}.${path}\``, meaningOf(path), notes[path]].filter((part) => part !== undefined).join('; ')} |`,
  ];
}

/** Empty sections are described by the introduction; a list or map of words by the line of its own. */
const isDescribedAbove = (
  path: string,
  mappings: readonly FieldMapping[],
  notes: Readonly<Record<string, string>>,
): boolean =>
  isBelow(path, STORAGE_VERSION) ||
  path === STORAGE_VERSION ||
  mappings.some(({ v1alpha1 }) => isBelow(path, v1alpha1.replace(/\.\*$/, ''))) ||
  [...Object.keys(notes), ...sharedMeanings.map(({ word }) => word)].some(
    (other) => isBelow(path, other) || isBelow(other, path),
  );

const isBelow = (path: string, section: string): boolean =>
  path.startsWith(`${section}.`) || path.startsWith(`${section}[]`);

function describeMapping(path: string, { v1beta1 }: FieldMapping): string {
  const beside = sharedMeanings.find(({ leaf }) => leaf === v1beta1);
  const field = `\`${v1beta1.replace(/\.\*$/, '')}\``;
  return beside === undefined || path === beside.word ? field : `${field}; wins over \`${beside.word}\``;
}

function meaningOf(path: string): string | undefined {
  const shared = sharedMeanings.find(({ word }) => word === path);
  const partner = poolFieldMappings.find(({ v1beta1 }) => v1beta1 === shared?.leaf)?.v1alpha1 ?? shared?.leaf;
  if (shared === undefined || shared.how === 'stands before') return undefined;
  return `${shared.how === 'gives way' ? 'gives way to' : 'each gives way to the one of its name in'} \`${partner ?? ''}\``;
}
