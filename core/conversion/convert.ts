/** One object from one version to the other. No I/O. */
import { GROUP, KINDS, OLD_VERSION, STORAGE_VERSION, type Version } from '../../api/names.ts';
import { oidcConfigRows, workerRows, type Row } from '../../api/places.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { readCarried, writeCarried } from './annotation.ts';
import { moveToAlpha, moveToBeta, type Moved } from './move.ts';
import { convertPoolToAlpha, convertPoolToBeta } from './pool.ts';
import { compileTable } from './table.ts';

type ConvertSpec = (spec: JsonObject, carried: JsonObject | undefined) => Moved;

/** By the version that is wanted. */
const converters: ReadonlyMap<unknown, Readonly<Record<Version, ConvertSpec>>> = new Map([
  [KINDS.pool.kind, { v1alpha1: convertPoolToAlpha, v1beta1: convertPoolToBeta }],
  [KINDS.worker.kind, byTable(workerRows)],
  [KINDS.oidcConfig.kind, byTable(oidcConfigRows)],
]);

function byTable(rows: readonly Row[]): Readonly<Record<Version, ConvertSpec>> {
  const table = compileTable(rows);
  return {
    v1alpha1: (spec, carried) => moveToAlpha(spec, table, carried),
    v1beta1: (spec, carried) => moveToBeta(spec, table, carried),
  };
}

/** `<group>/<version>` of ours. */
export function parseVersion(apiVersion: unknown): Version | undefined {
  return ([OLD_VERSION, STORAGE_VERSION] as const).find((version) => apiVersion === `${GROUP}/${version}`);
}

/**
 * Succeeds for every content of our kinds: only a kind or version that is not ours is an error, which says what was
 * got. Of metadata, annotations alone may differ afterwards.
 */
export function convertObject(object: unknown, to: Version): Result<unknown, string> {
  if (!isJsonObject(object)) return err(`expected an object, got ${object === null ? 'null' : typeof object}`);
  const convert = converters.get(object['kind']);
  const from = parseVersion(object['apiVersion']);
  if (convert === undefined || from === undefined) return err(`expected a kind of ${GROUP}, got ${nameOf(object)}`);
  return ok(from === to ? object : convertFrom(object, from, { to, convertSpec: convert[to] }));
}

interface Target {
  readonly to: Version;
  readonly convertSpec: ConvertSpec;
}

function convertFrom(object: JsonObject, from: Version, { to, convertSpec }: Target): JsonObject {
  const apiVersion = `${GROUP}/${to}`;
  const { metadata, spec: before } = object;
  if (!isJsonObject(before)) return { ...object, apiVersion };
  const { spec, rest } = convertSpec(before, readCarried(metadata, to));
  // The rest is in words of the version it comes from.
  return { ...object, apiVersion, metadata: writeCarried(metadata, from, rest), spec };
}

const nameOf = ({ apiVersion, kind }: JsonObject): string => `${word(apiVersion)} ${word(kind)}`;

const word = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value.slice(0, 253)) : 'nothing');
