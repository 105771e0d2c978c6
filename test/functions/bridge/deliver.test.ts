import { expect, test } from 'vitest';
import { createDeliver } from '../../../functions/bridge/deliver.ts';

const event = (name: string) => ({ headers: { 'ce-subject': name }, body: '{}' });

function createWorld(answers: readonly (number | Error)[], signal = new AbortController().signal) {
  const logged: unknown[][] = [];
  const left = [...answers];
  const log = (level: string) => (fields: object, message: string) => void logged.push([level, message, fields]);
  const deliver = createDeliver({
    send: () => {
      const answer = left.shift();
      return typeof answer === 'number'
        ? Promise.resolve(answer)
        : Promise.reject(answer ?? new Error('no answer left'));
    },
    sink: 'there',
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    signal,
  });
  return { deliver, logged };
}

test.each([200, 202, 204])('treats status %i as delivered', async (status) => {
  const { deliver, logged } = createWorld([status]);
  expect(await deliver(event('a'))).toBe(true);
  expect(logged).toEqual([]);
});

test.each([302, 401, 403, 404, 413, 425, 429, 500, 502, 503, 504])('retries after status %i', async (status) => {
  const { deliver, logged } = createWorld([status]);
  expect(await deliver(event('a'))).toBe(false);
  expect(logged).toEqual([
    ['warn', 'event not delivered, will try until it is', { sink: 'there', subject: 'a', status }],
  ]);
});

test('retries after a connection error, and logs its cause', async () => {
  const { deliver, logged } = createWorld([
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
  ]);
  expect(await deliver(event('a'))).toBe(false);
  expect(logged[0]?.[2]).toEqual({ sink: 'there', subject: 'a', error: 'fetch failed: connect ECONNREFUSED' });
});

test('does not retry a malformed event, and logs it', async () => {
  const { deliver, logged } = createWorld([400]);
  expect(await deliver(event('a'))).toBe(true);
  expect(logged).toEqual([['error', 'event refused as malformed', { sink: 'there', subject: 'a', status: 400 }]]);
});

test('logs once when a fault begins and once when it ends', async () => {
  const { deliver, logged } = createWorld([503, 503, 200, 503, 200]);
  for (const name of ['a', 'b', 'a', 'b', 'b']) await deliver(event(name));
  expect(logged.map(([level, message]) => [level, message])).toEqual([
    ['warn', 'event not delivered, will try until it is'],
    ['info', 'all events delivered again'],
  ]);
});

test('does not log a failure while the process ends', async () => {
  const { deliver, logged } = createWorld([new Error('aborted')], AbortSignal.abort());
  expect(await deliver(event('a'))).toBe(false);
  expect(logged).toEqual([]);
});
