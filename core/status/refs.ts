/** Whether the OIDC configs that a pool lists count. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Verdict } from '../conditions.ts';
import { verdict } from './conditions.ts';
import type { Observed } from './observed.ts';
import { CONDITION_TYPES, REASONS } from './reasons.ts';

export interface ConfigKey {
  readonly namespace: string;
  readonly name: string;
}

/** `<namespace>/<name>` */
export const formatConfigKey = ({ namespace, name }: ConfigKey): string => `${namespace}/${name}`;

/** The OIDC configs that a pool lists: a reference without namespace means the pool's own. */
export const listConfigKeys = ({ metadata, spec }: Pool): readonly ConfigKey[] =>
  (spec.access?.oidc?.configRefs ?? []).map(({ name, namespace = metadata.namespace }) => ({ namespace, name }));

const make = verdict(CONDITION_TYPES.resolvedRefs);

/** By the first that is amiss; one that does not count comes before one of which nobody can say. */
export function judgeRefs({ pool, configs }: Pick<Observed, 'pool' | 'configs'>): Verdict {
  const keys = listConfigKeys(pool);
  if (keys.length === 0) return make('True', REASONS.resolvedRefs, 'no OIDC config is listed');
  const faults = keys.flatMap((key) =>
    isForeign(key, pool.metadata.namespace) ? unknownElsewhere(key) : (findFault(key, configs) ?? []),
  );
  const [first] = [...faults.filter(({ status }) => status === 'False'), ...faults];
  return first ?? make('True', REASONS.resolvedRefs, `OIDC configs that count: ${keys.length}`);
}

const isForeign = ({ namespace }: ConfigKey, poolNamespace: string): boolean =>
  namespace !== poolNamespace && namespace !== SYSTEM_NAMESPACE;

const show = (key: ConfigKey): string => `BuildKitOIDCConfig "${formatConfigKey(key)}"`;

/** Who may write a pool must not learn by it what exists in the namespaces of others, or what is ready there. */
const unknownElsewhere = (key: ConfigKey): Verdict =>
  make(
    'Unknown',
    REASONS.configNotJudged,
    `${show(key)} is in another namespace: its own status says whether it counts`,
  );

function findFault(key: ConfigKey, configs: Observed['configs']): Verdict | undefined {
  const config = configs.get(formatConfigKey(key));
  if (config === undefined) return make('False', REASONS.configNotFound, `${show(key)} does not exist`);
  const ready = config.status?.conditions?.find(({ type }) => type === CONDITION_TYPES.ready);
  if (ready === undefined || ready.observedGeneration !== config.metadata.generation) {
    return make('Unknown', REASONS.configNotJudged, `${show(key)} was not looked at since it changed`);
  }
  return ready.status === 'True'
    ? undefined
    : make('False', REASONS.configNotReady, `${show(key)} is not ready: ${ready.reason}`);
}
