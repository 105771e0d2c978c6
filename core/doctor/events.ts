/** Whether something tells the functions what changes. No I/O. No clock. */
import { BRIDGE, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { when, type Check, type Facts } from './check.ts';
import { conditionOf, listOf, nameOf } from './observed.ts';
import { runsOutside } from './clients.ts';

export const eventChecks: readonly Check[] = [
  {
    code: 'event_source_absent',
    severity: 'error',
    meaning: 'Nothing tells the functions what changes: the status of pools stands still.',
    remedy: 'Apply overlay `plain`, which has the bridge, or `knative`, which has ApiServerSources.',
    find: (facts) =>
      when(
        isJudged(facts) && !hasBridge(facts) && !hasSources(facts),
        where,
        'neither the bridge nor an ApiServerSource is there',
      ),
  },
  {
    code: 'event_source_twice',
    severity: 'warning',
    meaning: 'Two sources tell the same: everything is computed twice.',
    remedy: `Remove the one that is not of your overlay: \`kubectl delete deployment ${BRIDGE} -n ${SYSTEM_NAMESPACE}\` where Knative Eventing is.`,
    find: (facts) =>
      when(
        isJudged(facts) && hasBridge(facts) && hasSources(facts),
        where,
        'both the bridge and an ApiServerSource are there',
      ),
  },
  {
    code: 'event_source_not_ready',
    severity: 'error',
    meaning: 'A source of Knative Eventing does not run.',
    remedy: 'The condition says why: a missing right of its account, or a sink that is not there.',
    find: ({ apiServerSources, pingSources }) => [
      ...listOf(apiServerSources).flatMap((source) => judge('ApiServerSource', source)),
      ...listOf(pingSources).flatMap((source) => judge('PingSource', source)),
    ],
  },
  {
    code: 'ping_source_absent',
    severity: 'error',
    meaning: 'Knative loses events now and then, and nothing repairs what was lost.',
    remedy: 'Apply overlay `knative` again.',
    find: (facts) => {
      if (!hasSources(facts) || facts.pingSources === 'hidden') return [];
      const sinks = (sources: Facts['pingSources']) => listOf(sources).map(({ spec }) => spec?.sink?.ref?.name);
      const pinged = sinks(facts.pingSources);
      const missing = new Set(sinks(facts.apiServerSources).filter((name) => !pinged.includes(name)));
      return [...missing].map((name = 'nothing') => ({
        where: `Service/${SYSTEM_NAMESPACE}/${name}`,
        what: 'gets events and no pings',
      }));
    },
  },
];

const where = `Namespace/${SYSTEM_NAMESPACE}`;

const isJudged = (facts: Facts): boolean =>
  !runsOutside(facts) && facts.deployments !== 'hidden' && facts.apiServerSources !== 'hidden';

const hasBridge = ({ deployments }: Facts): boolean =>
  listOf(deployments).some(({ metadata }) => metadata.name === BRIDGE);

const hasSources = ({ apiServerSources }: Facts): boolean => listOf(apiServerSources).length > 0;

function judge(kind: string, source: Parameters<typeof nameOf>[0] & Parameters<typeof conditionOf>[0]) {
  const ready = conditionOf(source, 'Ready');
  const what = `${ready?.reason ?? 'no condition yet'}: ${ready?.message ?? ''}`;
  return when(ready?.status !== 'True', `${kind}/${nameOf(source)}`, what);
}
