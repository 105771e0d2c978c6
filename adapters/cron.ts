/** Cron expressions of five fields, as croner reads them. */
import { Cron, CronPattern } from 'croner';
import type { ScheduleTimes } from '../core/lifecycle/scale.ts';

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether it is one, and matches some minute of some year. Looks at no clock. */
export function isSchedule(text: string): boolean {
  try {
    const { day, month, starDOW, lastDayOfMonth, nearestWeekdays } = new CronPattern(text, undefined, {
      mode: '5-part',
    });
    // Where a day of the week is given too, either one is enough.
    const isAnyDay = lastDayOfMonth || nearestWeekdays.includes(1) || !starDOW;
    const first = day.indexOf(1) + 1;
    return isAnyDay || month.some((is, index) => is === 1 && first <= (daysOfMonth[index] ?? 0));
  } catch {
    return false;
  }
}

/** When it last matched, and when it will match next, in UTC. */
export function readSchedule(text: string, now: Date): ScheduleTimes {
  const cron = new Cron(text, { mode: '5-part', timezone: 'UTC', paused: true });
  const [previous] = cron.previousRuns(1, now);
  const next = cron.nextRun(now);
  return { previous, next: next ?? undefined };
}
