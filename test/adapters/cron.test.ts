import { describe, expect, it } from 'vitest';
import { isSchedule } from '../../adapters/cron.ts';

describe('isSchedule', () => {
  it.each(['0 20 * * 1-5', '*/15 0-6 1,15 JAN,FEB SUN', '0 0 29 2 *', '0 0 31 2 1', '0 0 L 2 *', '59 23 31 12 7'])(
    'takes %j',
    (text) => {
      expect(isSchedule(text)).toBe(true);
    },
  );

  it.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '*/0 * * * *',
    '5-1 * * * *',
    'a * * * *',
  ])('refuses %j', (text) => {
    expect(isSchedule(text)).toBe(false);
  });

  it.each(['0 0 31 2 *', '0 0 30,31 2 *', '0 0 31 4,6,9,11 *'])('refuses %j, which never comes', (text) => {
    expect(isSchedule(text)).toBe(false);
  });
});
