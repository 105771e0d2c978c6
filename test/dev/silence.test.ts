/** Between pings, with nothing happening, nobody asks the apiserver for anything. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bringUpIdle,
  silentAccounts,
  watchingAccounts,
  type CallsByAccount,
  type IdleSystem,
} from '../../bench/idle-system.ts';
import { isSoak } from './webhooks.ts';

const seconds = isSoak ? 60 : 5;

describe(`in ${seconds} seconds in which nothing happens`, () => {
  let system: IdleSystem;
  let calls: CallsByAccount;
  beforeAll(async () => {
    system = await bringUpIdle();
    calls = await system.listen(seconds);
  });
  afterAll(async () => {
    await system.end();
  });

  const describeCalls = (account: string) =>
    (calls.get(account) ?? []).map(({ verb, requestURI }) => `${verb} ${requestURI}`);

  it.each([...silentAccounts, ...watchingAccounts])('%s is heard when something happens', async (account) => {
    expect((await system.readCalls()).has(account)).toBe(true);
  });

  it.each(silentAccounts)('%s asks the apiserver for nothing', (account) => {
    expect(describeCalls(account)).toEqual([]);
  });

  it.each(watchingAccounts)('%s does nothing but watch', (account) => {
    expect(describeCalls(account).filter((call) => !call.startsWith('watch '))).toEqual([]);
  });
});
