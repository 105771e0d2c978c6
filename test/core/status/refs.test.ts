import { expect, test } from 'vitest';
import type { JudgedConfig } from '../../../core/status/observed.ts';
import { formatConfigKey, judgeRefs } from '../../../core/status/refs.ts';
import { makePool } from './observed.ts';

const config = (namespace: string, name: string, status?: 'True' | 'False', observedGeneration = 1): JudgedConfig => ({
  metadata: { namespace, name, uid: 'u', resourceVersion: '1', generation: 1 },
  ...(status === undefined
    ? {}
    : {
        status: {
          conditions: [
            {
              type: 'Ready',
              status,
              reason: status === 'True' ? 'Discovered' : 'Duplicate',
              message: '',
              lastTransitionTime: 'then',
              observedGeneration,
            },
          ],
        },
      }),
});

interface Reference {
  readonly name: string;
  readonly namespace?: string;
}

/** Of a pool in `buildkit-system`. */
const judge = (configRefs: readonly Reference[] | undefined, ...configs: readonly JudgedConfig[]) => {
  const oidc = configRefs === undefined ? {} : { configRefs: [...configRefs] };
  const { status, reason, message } = judgeRefs({
    pool: makePool({ spec: { access: { oidc } } }),
    configs: new Map(configs.map((one) => [formatConfigKey(one.metadata), one])),
  });
  return [status, reason, message];
};

const near = { name: 'ci' };
const other = { name: 'other' };
const far = { name: 'ci', namespace: 'tenant-b' };

test.each<[string, ReturnType<typeof judge>, ReturnType<typeof judge>]>([
  ['no list', judge(undefined), ['True', 'ResolvedRefs', 'no OIDC config is listed']],
  ['an empty list', judge([]), ['True', 'ResolvedRefs', 'no OIDC config is listed']],
  [
    'configs that are ready',
    judge([near, other], config('buildkit-system', 'ci', 'True'), config('buildkit-system', 'other', 'True')),
    ['True', 'ResolvedRefs', 'OIDC configs that count: 2'],
  ],
  [
    'a config that does not exist',
    judge([near], config('tenant-b', 'ci', 'True')),
    ['False', 'ConfigNotFound', 'BuildKitOIDCConfig "buildkit-system/ci" does not exist'],
  ],
  [
    'a config that is not ready',
    judge([near], config('buildkit-system', 'ci', 'False')),
    ['False', 'ConfigNotReady', 'BuildKitOIDCConfig "buildkit-system/ci" is not ready: Duplicate'],
  ],
  [
    'a config without a status',
    judge([near], config('buildkit-system', 'ci')),
    ['Unknown', 'ConfigNotJudged', 'BuildKitOIDCConfig "buildkit-system/ci" was not looked at since it changed'],
  ],
  [
    'a config that changed since it was looked at',
    judge([near], config('buildkit-system', 'ci', 'True', 0)),
    ['Unknown', 'ConfigNotJudged', 'BuildKitOIDCConfig "buildkit-system/ci" was not looked at since it changed'],
  ],
  [
    'a config that is amiss beside one of another namespace',
    judge([far, near], config('buildkit-system', 'ci', 'False')),
    ['False', 'ConfigNotReady', 'BuildKitOIDCConfig "buildkit-system/ci" is not ready: Duplicate'],
  ],
  [
    'what is known to be amiss before what is not known',
    judge([near, other], config('buildkit-system', 'ci')),
    ['False', 'ConfigNotFound', 'BuildKitOIDCConfig "buildkit-system/other" does not exist'],
  ],
])('reports %s as it is', (_, said, expected) => {
  expect(said).toEqual(expected);
});

test.each([
  [[]],
  [[config('tenant-b', 'ci')]],
  [[config('tenant-b', 'ci', 'False')]],
  [[config('tenant-b', 'ci', 'True')]],
])('reports a config of a foreign namespace alike whether it exists or not', (configs) => {
  expect(judge([far], ...configs)).toEqual([
    'Unknown',
    'ConfigNotJudged',
    'BuildKitOIDCConfig "tenant-b/ci" is in another namespace: its own status says whether it counts',
  ]);
});
