import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../api/fields.ts';
import { makeOidcConfigEvents } from '../../../core/kubernetes-events/oidc-config.ts';
import { makePoolEvents } from '../../../core/kubernetes-events/pool.ts';
import { makeWorkerEvents } from '../../../core/kubernetes-events/worker.ts';

const metadata = { name: 'one', namespace: 'tenant-a', uid: 'uid-1', resourceVersion: '7' };

/** `Ready=True/Available` */
const condition = (words: string): Condition => {
  const [, type = '', status = '', reason = ''] = /^(\w+)=(\w+)\/(\w+)$/.exec(words) ?? [];
  return {
    type,
    status,
    reason,
    message: `because of ${reason}`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as Condition;
};
const toStatus = (words: readonly string[]) => ({ conditions: words.map(condition) });
const toWords = (events: ReturnType<typeof makePoolEvents>) => events.map(({ type, reason }) => `${type} ${reason}`);

describe('Events about a pool', () => {
  const listEvents = (before: readonly string[], after: readonly string[]) =>
    toWords(makePoolEvents({ metadata, spec: {}, status: toStatus(before) }, toStatus(after)));
  const serving = ['GatewayReady=True/GatewayServing', 'WorkersReady=True/WorkersServing', 'Ready=True/Available'];

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['nothing when nothing changes', serving, serving, []],
    [
      'that it is not ready yet, and no warning, when it is new',
      [],
      ['GatewayReady=False/DeploymentMissing', 'WorkersReady=True/ScaledToZero', 'Ready=False/GatewayNotReady'],
      ['Normal GatewayNotReady'],
    ],
    [
      'that it lost its gateway',
      serving,
      ['GatewayReady=False/NoReadyReplica', 'WorkersReady=True/WorkersServing', 'Ready=False/GatewayNotReady'],
      ['Warning NoReadyReplica', 'Warning GatewayNotReady'],
    ],
    [
      'that it has one again',
      ['GatewayReady=False/NoReadyReplica', 'Ready=False/GatewayNotReady'],
      ['GatewayReady=True/GatewayServing', 'Ready=True/Available'],
      ['Normal GatewayServing', 'Normal Available'],
    ],
    [
      'why it is still not ready',
      ['GatewayReady=False/DeploymentMissing', 'Ready=False/GatewayNotReady'],
      ['GatewayReady=False/NoReadyReplica', 'Ready=False/GatewayNotReady'],
      ['Warning NoReadyReplica'],
    ],
    [
      'that all its workers failed',
      serving,
      ['GatewayReady=True/GatewayServing', 'WorkersReady=False/AllWorkersFailed', 'Ready=False/WorkersNotReady'],
      ['Warning AllWorkersFailed', 'Warning WorkersNotReady'],
    ],
    [
      'that it sleeps',
      serving,
      [serving[0] ?? '', 'WorkersReady=True/ScaledToZero', serving[2] ?? ''],
      ['Normal ScaledToZero'],
    ],
    [
      'that an OIDC config it lists is missing, from the first',
      [],
      ['ResolvedRefs=False/ConfigNotFound'],
      ['Warning ConfigNotFound'],
    ],
    [
      'that all it lists are there again',
      ['ResolvedRefs=False/ConfigNotFound'],
      ['ResolvedRefs=True/ResolvedRefs'],
      ['Normal ResolvedRefs'],
    ],
    ['nothing of references that nobody has looked at', [], ['ResolvedRefs=Unknown/ConfigNotJudged'], []],
    [
      'nothing of references that prove good',
      ['ResolvedRefs=Unknown/ConfigNotJudged'],
      ['ResolvedRefs=True/ResolvedRefs'],
      [],
    ],
    ['nothing of references that are good', [], ['ResolvedRefs=True/ResolvedRefs'], []],
    ['nothing of its end', serving, [...serving.slice(0, 2), 'Ready=False/Terminating'], []],
    ['nothing of conditions that others write', serving, [...serving, 'Audited=False/Never'], []],
  ])('%s', (_what, before, after, expected) => {
    expect(listEvents(before, after)).toEqual(expected);
  });

  it('carry the message of the condition, and name the pool as it was read', () => {
    expect(makePoolEvents({ metadata, spec: {} }, toStatus(['Ready=True/Available']))).toEqual([
      {
        kind: 'BuildKitPool',
        metadata,
        type: 'Normal',
        reason: 'Available',
        action: 'ComputeStatus',
        note: 'because of Available',
      },
    ]);
  });
});

describe('Events about a worker', () => {
  const listEvents = (before: readonly string[], after: readonly string[]) =>
    toWords(
      makeWorkerEvents({ metadata, spec: { poolRef: { name: 'pool' } }, status: toStatus(before) }, toStatus(after)),
    );

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['nothing when it is let in', [], ['ResolvedRefs=True/Granted'], []],
    [
      'that its reference is not permitted',
      ['ResolvedRefs=True/Granted'],
      ['ResolvedRefs=False/RefNotPermitted'],
      ['Warning RefNotPermitted'],
    ],
    ['that it never was', [], ['ResolvedRefs=False/PoolNotFound'], ['Warning PoolNotFound']],
    [
      'that it is again',
      ['ResolvedRefs=False/RefNotPermitted'],
      ['ResolvedRefs=True/Authorized'],
      ['Normal Authorized'],
    ],
    ['nothing when another rule lets it in', ['ResolvedRefs=True/Granted'], ['ResolvedRefs=True/Authorized'], []],
    [
      'what else is wrong now',
      ['ResolvedRefs=False/PoolNotFound'],
      ['ResolvedRefs=False/RefNotPermitted'],
      ['Warning RefNotPermitted'],
    ],
    ['that it serves', ['Ready=False/Starting'], ['Ready=True/Serving'], ['Normal Serving']],
    ['what keeps it from serving', ['Ready=False/Starting'], ['Ready=False/QuotaExceeded'], ['Warning QuotaExceeded']],
    ['nothing of what every start goes through', ['Ready=False/NoPod'], ['Ready=False/Starting'], []],
    ['nothing of other conditions', [], ['Other=False/Never'], []],
  ])('%s', (_what, before, after, expected) => {
    expect(listEvents(before, after)).toEqual(expected);
  });
});

describe('Events about an OIDC config', () => {
  const listEvents = (before: readonly string[], after: readonly string[]) =>
    toWords(
      makeOidcConfigEvents(
        { metadata, spec: { issuer: 'https://a', audience: 'b' }, status: toStatus(before) },
        toStatus(after),
      ),
    );

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['that its issuer answered, when it is new', [], ['Ready=True/Discovered'], ['Normal Discovered']],
    ['that it does not count', [], ['Ready=False/Duplicate'], ['Warning Duplicate']],
    ['why it counts no more', ['Ready=True/Discovered'], ['Ready=False/DiscoveryFailed'], ['Warning DiscoveryFailed']],
    [
      'that its owner switched it off, which is nothing to warn of',
      ['Ready=True/Discovered'],
      ['Ready=False/Disabled'],
      ['Normal Disabled'],
    ],
    ['nothing when nothing changes', ['Ready=True/Discovered'], ['Ready=True/Discovered'], []],
  ])('%s', (_what, before, after, expected) => {
    expect(listEvents(before, after)).toEqual(expected);
  });
});
