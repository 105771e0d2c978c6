import { describe, expect, it } from 'vitest';
import { checkReady } from '../../core/readiness.ts';

const good = { notBefore: 1_000, notAfter: 2_000, isReachable: true, now: 1_500 };

describe('a webhook is ready', () => {
  it.each([1_000, 1_999])('from the first to the last millisecond of its certificate: %d', (now) => {
    expect(checkReady({ ...good, now })).toEqual({ ok: true, value: undefined });
  });

  it.each([
    [{ now: 999 }, 'certificate: expected one that is valid now, got one that has not begun'],
    [{ now: 2_000 }, 'certificate: expected one that is valid now, got one that has ended'],
    [{ isReachable: false }, 'apiserver: expected an answer, got none that takes our token'],
  ])('but not with %o', (changes, error) => {
    expect(checkReady({ ...good, ...changes })).toEqual({ ok: false, error });
  });
});
