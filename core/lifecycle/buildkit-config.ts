/** buildkitd.toml: what the pool's owner wrote, with what is decided here in place of it. No I/O. */
import { defaultWorkerVolume, keptShareOfVolume } from '../../api/limits/lifecycle.ts';
import { PORTS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { parseDuration } from '../duration.ts';
import { isJsonObject, member, type JsonObject } from '../json.ts';
import { readBuildkitdConfig } from '../pool/buildkitd-config.ts';
import { readQuantity } from '../quantity.ts';
import { defined } from './objects.ts';

export const SOCKET = 'unix:///run/buildkit/buildkitd.sock';
export const KEYS_FOLDER = '/keys';
export const STATE_FOLDER = '/var/lib/buildkit';

/** `document` is what the owner wrote, empty where there is nothing. */
export function makeBuildkitConfig(pool: Pool, document: JsonObject): JsonObject {
  // By their own names: another spelling of a setting would stand beside ours.
  const written = readBuildkitdConfig(document).kept;
  const { observability, workers } = pool.spec;
  const isShared = workers?.sharing === 'Pool';
  return defined({
    ...written,
    root: STATE_FOLDER,
    'insecure-entitlements': [],
    log: { ...tableOf(written, 'log'), ...observability?.logging },
    grpc: {
      address: [`tcp://0.0.0.0:${PORTS.worker}`, SOCKET],
      // Behind it lie profiles and the cache: nobody but who is inside reaches it.
      debugAddress: 'unix:///run/buildkit/debug.sock',
      tls: { cert: `${KEYS_FOLDER}/tls.crt`, key: `${KEYS_FOLDER}/tls.key`, ca: `${KEYS_FOLDER}/ca.crt` },
    },
    cdi: { disabled: true },
    worker: { oci: makeOci(pool, written), containerd: { enabled: false } },
    // Every client of a daemon reads the names and arguments of all builds in it.
    history: isShared ? { maxEntries: 0 } : member(written, 'history'),
    registry: makeRegistries(pool, written),
  });
}

function makeOci(pool: Pool, written: JsonObject): JsonObject {
  const oci = tableOf(tableOf(written, 'worker'), 'oci');
  const { cache, workers } = pool.spec;
  const cpu = workers?.resources?.limits?.['cpu'] ?? workers?.resources?.requests?.['cpu'];
  const cores = cpu === undefined ? undefined : readQuantity(cpu);
  return defined({
    ...oci,
    enabled: true,
    networkMode: 'host',
    gc: cache?.gc?.enabled ?? true,
    gcpolicy: member(oci, 'gcpolicy') ?? [makeGcPolicy(pool)],
    'max-parallelism':
      member(oci, 'max-parallelism') ?? (cores === undefined ? undefined : Math.max(1, Math.ceil(cores))),
  });
}

/** In bytes: shares would be of the node's disk, and the volume is full before that. */
function makeGcPolicy(pool: Pool): JsonObject {
  const { keepStorage, keepDuration } = pool.spec.cache?.gc ?? {};
  const kept = keepStorage === undefined ? undefined : readQuantity(keepStorage);
  const most = Math.floor((readQuantity(volumeSizeOf(pool)) ?? 0) * keptShareOfVolume);
  const duration = keepDuration === undefined ? undefined : parseDuration(keepDuration);
  return defined({
    all: true,
    maxUsedSpace: Math.floor(Math.min(kept ?? most, most)),
    keepDuration: duration?.ok === true ? Number(duration.value / 1_000_000_000n) : undefined,
  });
}

/** Of what a worker keeps. */
export const volumeSizeOf = (pool: Pool): string => volumeOf(pool)?.size ?? defaultWorkerVolume;

interface Volume {
  readonly size: string;
  /** The cluster's own when absent. */
  readonly storageClassName?: string | undefined;
}

/** `workers.storage`, or the first local cache, which is the older word for it. Undefined where the node's disk is taken. */
export function volumeOf({ spec: { cache, workers } }: Pool): Volume | undefined {
  const local = cache?.backends?.find(({ type }) => type === 'local')?.local;
  return workers?.storage ?? (local && { size: local.size, storageClassName: local.storageClass });
}

/** A registry that keeps caches may be spoken to without TLS. */
function makeRegistries({ spec: { cache } }: Pool, written: JsonObject): JsonObject | undefined {
  const insecure = (cache?.backends ?? []).flatMap(({ registry }) =>
    registry?.insecure === true ? [registry.endpoint.split('/', 1)[0] ?? ''] : [],
  );
  const registries = tableOf(written, 'registry');
  const added = insecure.map((host) => [host, { ...tableOf(registries, host), http: true, insecure: true }] as const);
  const all = { ...registries, ...Object.fromEntries(added) };
  return Object.keys(all).length === 0 ? undefined : all;
}

function tableOf(table: JsonObject, key: string): JsonObject {
  const value = member(table, key);
  return isJsonObject(value) ? value : {};
}
