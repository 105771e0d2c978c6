/**
 * Which settings of buildkitd.toml a pool may choose. No I/O.
 *
 * An allow-list, because new releases of BuildKit bring new settings. Names are compared as buildkitd's reader compares
 * them (go-toml v2), which ignores the case of a field's name: `ROOT` sets `root`. What is kept is written in the one
 * form of the name, so that no setting of ours can stand beside another spelling of itself.
 */
import { isJsonObject, type JsonObject } from '../json.ts';

interface Settings {
  readonly [name: string]: Setting;
}

type Setting =
  /** A value, or a list or map of values: nothing in it is a setting. */
  | 'value'
  | { readonly table: Settings }
  /** Tables by names that the owner chooses, compared byte for byte. */
  | { readonly each: Settings }
  | { readonly list: Settings };

const value = 'value';
const sizes: Settings = { reservedSpace: value, maxUsedSpace: value, minFreeSpace: value };

const settings: Settings = {
  debug: value,
  trace: value,
  log: { table: { format: value, level: value } },
  registry: { each: { mirrors: value, http: value, insecure: value } },
  dns: { table: { nameservers: value, options: value, searchDomains: value } },
  history: { table: { maxAge: value, maxEntries: value } },
  frontend: {
    table: {
      'dockerfile.v0': { table: { enabled: value } },
      'gateway.v0': { table: { enabled: value, allowedRepositories: value } },
    },
  },
  system: { table: { platformsCacheMaxAge: value, maxRegistryConcurrency: value, sessionAuthTimeout: value } },
  worker: {
    table: {
      oci: {
        table: {
          labels: value,
          platforms: value,
          gc: value,
          gckeepstorage: value,
          'max-parallelism': value,
          ...sizes,
          gcpolicy: { list: { all: value, filters: value, keepDuration: value, keepBytes: value, ...sizes } },
        },
      },
    },
  },
};

export interface ReadConfig {
  /** The settings that a pool may choose, by their own names. */
  readonly kept: JsonObject;
  /** Paths of the others, and of settings that are no table where they should be, or are written twice. */
  readonly refused: readonly string[];
}

/** `document` is the parsed text. */
export function readBuildkitdConfig(document: JsonObject): ReadConfig {
  const refused: string[] = [];
  return { kept: readTable(document, { table: settings, path: '', refused }), refused };
}

interface At<S> {
  readonly table: S;
  readonly path: string;
  readonly refused: string[];
}

function readTable(table: JsonObject, { table: known, path, refused }: At<Settings>): JsonObject {
  const kept = new Map<string, unknown>();
  for (const [key, member] of Object.entries(table)) {
    const name = findName(known, key);
    const setting = name === undefined ? undefined : known[name];
    const read =
      setting === undefined ? undefined : readSetting(member, { table: setting, path: `${path}${key}.`, refused });
    if (name === undefined || read === undefined || kept.has(name)) refused.push(`${path}${key}`);
    else kept.set(name, read);
  }
  return Object.fromEntries(kept);
}

/** Other letters than those of ASCII may fold to one of them, so none of these is the name of a setting. */
const findName = (known: Settings, key: string): string | undefined =>
  /^[!-~]+$/.test(key) ? Object.keys(known).find((name) => name.toLowerCase() === key.toLowerCase()) : undefined;

/** Undefined where it has another shape. */
function readSetting(member: unknown, { table: setting, path, refused }: At<Setting>): unknown {
  if (setting === 'value') return member;
  if ('list' in setting) {
    if (!Array.isArray(member) || !member.every(isJsonObject)) return undefined;
    return member.map((item) => readTable(item, { table: setting.list, path, refused }));
  }
  if (!isJsonObject(member)) return undefined;
  if ('table' in setting) return readTable(member, { table: setting.table, path, refused });
  if (!Object.values(member).every(isJsonObject)) return undefined;
  const tables = Object.entries(member as Readonly<Record<string, JsonObject>>).map(
    ([name, one]) => [name, readTable(one, { table: setting.each, path: `${path}${name}.`, refused })] as const,
  );
  return Object.fromEntries(tables);
}
