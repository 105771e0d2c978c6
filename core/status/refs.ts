/** Whether the OIDC configs that a pool lists count. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Verdict } from '../conditions.ts';
import { verdict } from './conditions.ts';
import type { JudgedConfig, Observed } from './observed.ts';
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
  const faults = keys.flatMap(
    (key) => findFault(key, configs.get(formatConfigKey(key)), pool.metadata.namespace) ?? [],
  );
  const [first] = [...faults.filter(({ status }) => status === 'False'), ...faults];
  return first ?? make('True', REASONS.resolvedRefs, `OIDC configs that count: ${keys.length}`);
}

function findFault(key: ConfigKey, config: JudgedConfig | undefined, poolNamespace: string): Verdict | undefined {
  const name = `BuildKitOIDCConfig "${formatConfigKey(key)}"`;
  const ready = config?.status?.conditions?.find(({ type }) => type === CONDITION_TYPES.ready);
  const isJudged = ready !== undefined && ready.observedGeneration === config?.metadata.generation;
  if (isJudged && ready.status === 'True') return undefined;
  // Who may write a pool must not learn by it what exists in the namespaces of others.
  if (key.namespace !== poolNamespace && key.namespace !== SYSTEM_NAMESPACE) {
    return make('False', REASONS.configNotReady, `${name} does not exist or is not ready`);
  }
  if (config === undefined) return make('False', REASONS.configNotFound, `${name} does not exist`);
  return isJudged
    ? make('False', REASONS.configNotReady, `${name} is not ready: ${ready.reason}`)
    : make('Unknown', REASONS.configNotJudged, `${name} was not looked at since it changed`);
}
