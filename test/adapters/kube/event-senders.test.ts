import { describe, expect, it } from 'vitest';
import { createSenderCheck, type EventSenders } from '../../../adapters/kube/event-senders.ts';

const asked: string[] = [];
const authenticate = (token: string) => {
  asked.push(token);
  if (token === 'later') return Promise.reject(new Error('no verdict'));
  return Promise.resolve(token === 'forged' ? undefined : { user: { username: token } });
};
const check = (senders: EventSenders) => createSenderCheck(authenticate, senders);

describe('senders that are known by their token', () => {
  const allows = check({ by: 'token', users: new Set(['bridge', 'source']) });

  it.each([
    ['bridge', 'allowed'],
    ['source', 'allowed'],
    ['somebody else', 'refused'],
    ['forged', 'refused'],
    [undefined, 'refused'],
  ])('%j is %s', async (token, verdict) => {
    expect(await allows(token)).toBe(verdict);
  });

  it('are told to come again when nobody can say who they are', async () => {
    await expect(allows('later')).rejects.toThrow('no verdict');
  });

  it('cost no call without a token', async () => {
    asked.length = 0;
    await allows(undefined);
    expect(asked).toEqual([]);
  });
});

it('whoever a NetworkPolicy admits needs no token, and costs no call with one', async () => {
  const allows = check({ by: 'NetworkPolicy' });
  asked.length = 0;
  expect([await allows(undefined), await allows('later')]).toEqual(['allowed', 'allowed']);
  expect(asked).toEqual([]);
});
