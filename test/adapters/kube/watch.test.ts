import { expect, test } from 'vitest';
import { KubeError, type KubeCall, type KubeClient } from '../../../adapters/kube/client.ts';
import { listAndWatch } from '../../../adapters/kube/watch.ts';
import type { Change } from '../../../core/events/make.ts';

const object = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion, managedFields: [{ manager: 'm' }] },
});
const line = (type: string, name: string, resourceVersion: string) => ({ type, object: object(name, resourceVersion) });
const list = (resourceVersion: string, ...names: string[]) => ({
  metadata: { resourceVersion },
  items: names.map((name) => object(name, '1')),
});

/** What one watch gives: its lines, then the error it breaks off with. */
interface Watched {
  readonly lines?: readonly unknown[];
  readonly error?: Error;
}

/** An apiserver that gives these answers in order, and aborts the watch when it has no more. */
async function run(lists: readonly (object | Error)[], watches: readonly Watched[]) {
  const ending = new AbortController();
  const [leftLists, leftWatches] = [[...lists], [...watches]];
  const asked: string[] = [];
  const pauses: number[] = [];
  const logged: string[] = [];
  const changes: Change[] = [];
  const states: boolean[] = [];
  const describe = ({ path, query = {} }: KubeCall) =>
    [path, query['labelSelector'], query['continue'], query['resourceVersion']].filter(Boolean).join(' ');
  const kube: KubeClient = {
    call: (call) => {
      asked.push(`LIST ${describe(call)}`);
      const answer = leftLists.shift() ?? new Error('no list left');
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    lines: async function* (call, _signal, opened) {
      asked.push(`WATCH ${describe(call)}`);
      await Promise.resolve();
      const { lines = [], error } = leftWatches.shift() ?? {};
      if (!(error instanceof KubeError)) opened?.();
      yield* lines;
      if (leftWatches.length === 0) ending.abort();
      if (error !== undefined) throw error;
    },
    close: () => undefined,
  };
  await listAndWatch(
    kube,
    { path: '/things', labelSelector: 'a=b' },
    {
      emit: (change) => changes.push(change),
      setWatching: (isWatching) => states.push(isWatching),
      pause: (failures) => {
        pauses.push(failures);
        return Promise.resolve();
      },
      log: {
        ...{ error: () => undefined, debug: () => undefined },
        info: (_fields: unknown, message?: string) => void logged.push(message ?? ''),
        warn: (fields: unknown) => void logged.push(JSON.stringify(fields)),
      },
      signal: ending.signal,
    },
  );
  return {
    asked,
    pauses,
    logged,
    changes,
    states,
    emitted: changes.map(({ change, object: { metadata } }) => `${change} ${metadata.name}`),
  };
}

test('emits every object of the list, over all pages, then each change', async () => {
  const page = { ...list('10', 'a'), metadata: { resourceVersion: '10', continue: 'more' } };
  const { asked, emitted } = await run(
    [page, list('10', 'b')],
    [{ lines: [line('ADDED', 'c', '11'), line('MODIFIED', 'a', '12'), line('DELETED', 'b', '13')] }],
  );
  expect(asked).toEqual(['LIST /things a=b', 'LIST /things a=b more', 'WATCH /things a=b 10']);
  expect(emitted).toEqual(['update a', 'update b', 'add c', 'update a', 'delete b']);
});

test('watches on from where it was, bookmarks included, when a watch ends', async () => {
  const { asked, emitted, pauses } = await run(
    [list('10', 'a')],
    [{ lines: [line('ADDED', 'b', '11'), line('BOOKMARK', '', '19')] }, { lines: [line('MODIFIED', 'b', '20')] }],
  );
  expect(asked).toEqual(['LIST /things a=b', 'WATCH /things a=b 10', 'WATCH /things a=b 19']);
  expect(emitted).toEqual(['update a', 'add b', 'update b']);
  expect(pauses).toEqual([]);
});

test('watches on from where it was when the connection breaks', async () => {
  const broken = { lines: [line('ADDED', 'b', '11')], error: new Error('aborted') };
  const { asked, logged } = await run([list('10')], [broken, { lines: [line('MODIFIED', 'b', '12')] }]);
  expect(asked).toEqual(['LIST /things a=b', 'WATCH /things a=b 10', 'WATCH /things a=b 11']);
  expect(logged).toEqual(['{"path":"/things","error":"aborted"}', 'watch resumed']);
});

const expired = { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old resource version' } };

test.each([
  ['as a line', { lines: [expired] }],
  ['as the answer', { error: new KubeError(410, 'Expired', 'too old resource version') }],
])('lists again when its resourceVersion is too old (%s), and emits what was deleted meanwhile', async (_, watched) => {
  const { asked, emitted, logged, changes } = await run([list('10', 'a', 'b'), list('30', 'b', 'c')], [watched, {}]);
  expect(asked).toEqual(['LIST /things a=b', 'WATCH /things a=b 10', 'LIST /things a=b', 'WATCH /things a=b 30']);
  expect(emitted).toEqual(['update a', 'update b', 'delete a', 'update b', 'update c']);
  // As late as the list: somewhere before it the object went, and what was listed earlier does not show that.
  expect(JSON.parse(JSON.stringify(changes[2]?.object))).toEqual({
    metadata: { name: 'a', namespace: 'n', uid: 'uid-a', resourceVersion: '30' },
  });
  expect(logged).toEqual([]);
});

test('pauses longer while the apiserver does not answer, and logs it once', async () => {
  const down = new KubeError(0, 'Unreachable', 'apiserver unreachable: connect ECONNREFUSED');
  const { pauses, emitted, logged } = await run([down, down, list('10', 'a')], [{ lines: [line('ADDED', 'b', '11')] }]);
  expect(pauses).toEqual([1, 2]);
  expect(logged).toEqual(['{"path":"/things","error":"apiserver unreachable: connect ECONNREFUSED"}', 'watch resumed']);
  expect(emitted).toEqual(['update a', 'add b']);
});

test('pauses when watches end without a line', async () => {
  const { pauses } = await run([list('10')], [{}, {}, { lines: [line('ADDED', 'b', '11')] }]);
  expect(pauses).toEqual([1, 2]);
});

test.each([
  [429, 'TooManyRequests'],
  [503, 'ServiceUnavailable'],
  [500, 'InternalError'],
  [403, 'Forbidden'],
])('asks for the same watch again after %i, and lists nothing anew', async (status, reason) => {
  const refused = { error: new KubeError(status, reason, 'not now') };
  const { asked, pauses } = await run([list('10')], [refused, refused, { lines: [line('ADDED', 'a', '11')] }]);
  expect(asked).toEqual(['LIST /things a=b', 'WATCH /things a=b 10', 'WATCH /things a=b 10', 'WATCH /things a=b 10']);
  expect(pauses).toEqual([1, 2]);
});

test('lists again when the apiserver does not know its resourceVersion yet', async () => {
  const behind = { error: new KubeError(504, 'Timeout', 'Too large resource version: 10, current: 5') };
  const { asked } = await run([list('10', 'a'), list('5', 'a')], [behind, {}]);
  expect(asked.slice(2)).toEqual(['LIST /things a=b', 'WATCH /things a=b 5']);
});

test('reports a watch as open while changes arrive, also after it ends in order, and not before it opens or while it is broken', async () => {
  const broken = { lines: [line('ADDED', 'a', '11')], error: new Error('aborted') };
  const ordinary = { lines: [line('ADDED', 'b', '12')] };
  const { states } = await run([list('10')], [ordinary, broken, { lines: [line('ADDED', 'c', '13')] }]);
  expect(states).toEqual([true, true, false, true]);
});

test('keeps our labels of an object, and drops all others', async () => {
  const ours = {
    'app.kubernetes.io/managed-by': 'buildkit-controller',
    'buildkit.smrt-devops.net/worker-pool': 'pool',
    'buildkit.smrt-devops.net/worker-pool-namespace': 'owner',
  };
  const { metadata } = object('a', '11');
  const pod = { metadata: { ...metadata, labels: { ...ours, secret: 'theirs' } } };
  const { changes } = await run([list('10')], [{ lines: [{ type: 'MODIFIED', object: pod }] }]);
  expect(changes).toMatchObject([{ object: { metadata: { labels: ours } } }]);
  expect(JSON.stringify(changes)).not.toContain('theirs');
});
