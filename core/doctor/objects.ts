/** Whether the objects of the tenants are looked after. No I/O. No clock. */
import { repairedWithinSeconds } from '../../api/limits/doctor.ts';
import { KINDS, POOL_FINALIZER, FIELD_MANAGERS } from '../../api/names.ts';
import { parseTime } from '../authority/status.ts';
import { RESOLVED_REFS } from '../lifecycle/reasons.ts';
import { OIDC_CONFIG_REASONS } from '../status/reasons.ts';
import type { Check, Found } from './check.ts';
import { conditionOf, listOf, nameOf, type Meta, type WithConditions, type Worker } from './observed.ts';

export const objectChecks: readonly Check[] = [
  {
    code: 'status_stale',
    severity: 'error',
    meaning: 'A pool or OIDC config was changed more than ten minutes ago, and its status does not say so.',
    remedy: `The function \`status\` or its source of events does not do its work: see the findings above, and the log of \`${FIELD_MANAGERS.status}\`.`,
    find: ({ now, pools, oidcConfigs }) => [
      ...findStale(KINDS.pool.kind, listOf(pools), now),
      ...findStale(KINDS.oidcConfig.kind, listOf(oidcConfigs), now),
    ],
  },
  {
    code: 'deletion_stuck',
    severity: 'error',
    meaning: 'A pool was deleted more than ten minutes ago and is still there.',
    remedy:
      'Where workers are allocated it waits for their builds; delete those that shall not be waited for. Where none is, the function `lifecycle` does not run: see the findings above. To remove everything without it, see the guide of the platform engineer.',
    find: ({ now, pools, workers }) =>
      listOf(pools)
        .filter(({ metadata }) => isOverdue(metadata.deletionTimestamp, now))
        .filter(({ metadata }) => metadata.finalizers?.includes(POOL_FINALIZER))
        .map((pool) => {
          const busy = listOf(workers).filter(
            (one) => one.status?.phase === 'Allocated' && poolOf(one) === nameOf(pool),
          );
          const what = `deleted at ${pool.metadata.deletionTimestamp ?? ''}, allocated workers: ${busy.length}`;
          return { where: `${KINDS.pool.kind}/${nameOf(pool)}`, what };
        }),
  },
  {
    code: 'worker_revoked',
    severity: 'warning',
    meaning: 'Workers are kept out of a pool, because nothing permits their reference any more.',
    remedy:
      'If they are wanted, let their namespace in (`spec.access.workers`) or give their creator `attach`; if not, delete them.',
    find: ({ workers }) => {
      const revoked = listOf(workers).filter((worker) => conditionOf(worker, RESOLVED_REFS)?.status === 'False');
      return [...Map.groupBy(revoked, poolOf)].map(([pool, those]) => ({
        where: `${KINDS.pool.kind}/${pool}`,
        what: `${listReasons(those)}: ${those.slice(0, shownWorkers).map(nameOf).join(', ')}${those.length > shownWorkers ? ', ...' : ''}`,
      }));
    },
  },
  {
    code: 'oidc_config_not_ready',
    severity: 'warning',
    meaning: 'Tokens of an issuer do not count.',
    remedy: 'What each reason means stands in fields.md.',
    find: ({ oidcConfigs }) =>
      listOf(oidcConfigs).flatMap((config) => {
        const { status, reason = '', message = '' } = conditionOf(config, 'Ready') ?? {};
        if (status !== 'False' || reason === OIDC_CONFIG_REASONS.disabled) return [];
        return [{ where: `${KINDS.oidcConfig.kind}/${nameOf(config)}`, what: `${reason}: ${message}` }];
      }),
  },
];

/** Enough to see whose they are. */
const shownWorkers = 3;

const isOverdue = (time: string | undefined, now: number): boolean =>
  (parseTime(time) ?? Infinity) + repairedWithinSeconds < now;

function findStale(kind: string, objects: readonly WithConditions[], now: number): Found[] {
  return objects
    .filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined && isOverdue(lastWriteOf(metadata), now))
    .map((object) => {
      const what = `status.observedGeneration: expected ${object.metadata.generation ?? 0}, got ${object.status?.observedGeneration ?? 'none'}`;
      return { where: `${kind}/${nameOf(object)}`, what };
    });
}

/** Of anything but the status; RFC 3339, which sorts as text. */
const lastWriteOf = ({ creationTimestamp = '', managedFields = [] }: Meta): string =>
  managedFields
    .filter(({ subresource = '' }) => subresource === '')
    .map(({ time = '' }) => time)
    .concat(creationTimestamp)
    .toSorted()
    .at(-1) ?? '';

const poolOf = ({ metadata, spec: { poolRef } }: Worker): string =>
  `${poolRef.namespace ?? metadata.namespace ?? ''}/${poolRef.name}`;

const listReasons = (workers: readonly Worker[]): string =>
  [...Map.groupBy(workers, (worker) => conditionOf(worker, RESOLVED_REFS)?.reason ?? '')]
    .map(([reason, those]) => `${those.length} ${reason}`)
    .join(', ');
