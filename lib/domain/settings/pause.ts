/** Until when a schedule is paused, as people type it: a length (`4h`), `tomorrow`, a date, or a time of a date, in the time zone of the schedule. */
import { OctoError } from '../errors.ts';
import { dayOf, lengthOf, sinceWhen } from './when.ts';

/** The moment at which the pause ends. @throws ArgumentInvalid when it is not understood or not ahead */
export const pauseEnd = (text: string, now: Date, timeZone: string): Date => {
  const length = lengthOf(text);
  const end =
    length !== null
      ? new Date(now.getTime() + length)
      : text.trim().toLowerCase() === 'tomorrow'
        ? dayOf('today', now, timeZone)!.before
        : sinceWhen(text.trim().replace(/^(\S+) (\d\d:\d\d)$/, '$1T$2'), now, timeZone);
  if (end === null || end <= now) {
    throw new OctoError(
      'ArgumentInvalid',
      `"${text}" is no time ahead: type a length as in 4h or 2d, tomorrow, or a date as in 2026-03-05 or 2026-03-05T08:00 (${timeZone})`,
    );
  }
  return end;
};
