/** One object from one version to the other. No I/O. */
import { GROUP, KINDS, OLD_VERSION, STORAGE_VERSION, type Version } from '../../api/names.ts';
import { oidcConfigFieldMappings, poolFieldMappings, workerFieldMappings } from '../../api/field-mapping.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { moveSpec } from './move.ts';
import { compileTable, type Table } from './table.ts';

const tables: ReadonlyMap<unknown, Table> = new Map([
  [KINDS.pool.kind, compileTable(poolFieldMappings)],
  [KINDS.worker.kind, compileTable(workerFieldMappings)],
  [KINDS.oidcConfig.kind, compileTable(oidcConfigFieldMappings)],
]);

/** `<group>/<version>` of ours. */
export function parseVersion(apiVersion: unknown): Version | undefined {
  return ([OLD_VERSION, STORAGE_VERSION] as const).find((version) => apiVersion === `${GROUP}/${version}`);
}

/**
 * Succeeds for every content of our kinds: only a kind or version that is not ours is an error, which says what was
 * got. Nothing but version and spec may differ afterwards.
 */
export function convertObject(object: unknown, to: Version): Result<unknown, string> {
  if (!isJsonObject(object)) return err(`expected an object, got ${object === null ? 'null' : typeof object}`);
  const table = tables.get(object['kind']);
  const from = parseVersion(object['apiVersion']);
  if (table === undefined || from === undefined) return err(`expected a kind of ${GROUP}, got ${nameOf(object)}`);
  if (from === to) return ok(object);
  const { spec } = object;
  return ok({
    ...object,
    apiVersion: `${GROUP}/${to}`,
    ...(isJsonObject(spec) ? { spec: moveSpec(spec, table, from) } : {}),
  });
}

const nameOf = ({ apiVersion, kind }: JsonObject): string => `${quote(apiVersion)} ${quote(kind)}`;

const quote = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value.slice(0, 253)) : 'nothing');
