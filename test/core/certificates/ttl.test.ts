import { describe, expect, it } from 'vitest';
import { decideTtl } from '../../../core/certificates/ttl.ts';

const pool = (client: { ttl?: string; maxTTL?: string }) => ({ client });
const lives = (seconds: number) => ({ ok: true, value: seconds });
const tooLong = (maxSeconds: number) => ({ ok: false, error: { maxSeconds } });

describe('a certificate for which nothing is asked', () => {
  it.each([
    ['an hour where no pool says anything', [undefined, {}, pool({})], 3600],
    ["the pool's ttl", [pool({ ttl: '8h' })], 28_800],
    ['the smallest ttl of all pools', [pool({ ttl: '8h' }), pool({ ttl: '20m' })], 1200],
    ['an hour where one of the pools says nothing', [pool({ ttl: '8h' }), undefined], 3600],
    ['no longer than the smallest maxTTL', [pool({ maxTTL: '30m' }), pool({ ttl: '45m', maxTTL: '2h' })], 1800],
    ['less than can be asked for, where a pool says so', [pool({ maxTTL: '1m' })], 60],
    ['a day at most', [pool({ ttl: '720h', maxTTL: '720h' })], 86_400],
    ['a day at most, whatever number the pool says', [pool({ ttl: '9999999999h' })], 86_400],
  ])('lives for %s', (_, pools, seconds) => {
    expect(decideTtl(undefined, pools)).toEqual(lives(seconds));
  });

  it('is not issued where a pool lets none live', () => {
    expect(decideTtl(undefined, [pool({ maxTTL: '0' })])).toEqual(tooLong(0));
    expect(decideTtl(undefined, [pool({ ttl: '500ms' })])).toEqual(tooLong(86_400));
  });
});

describe('a certificate lives as long as asked', () => {
  it('beyond the ttl, up to the smallest maxTTL', () => {
    const pools = [pool({ ttl: '10m', maxTTL: '2h' }), pool({ maxTTL: '3h' })];
    expect(decideTtl(7200, pools)).toEqual(lives(7200));
    expect(decideTtl(7201, pools)).toEqual(tooLong(7200));
  });
});
