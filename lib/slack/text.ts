/**
 * Small words: sizes, durations, times, counts, and the escaping and cutting of text that people wrote.
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */

/** `42.7 GB`, `980 B`: decimal units, one digit behind the point from kilobytes on. */
export const size = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  // 999,950 bytes would round to 1000.0 kB: the next unit says it better.
  const rounded = Number((bytes / 1000 ** power).toFixed(1));
  const isFull = rounded >= 1000 && power < units.length - 1;
  const [value, unit] = isFull ? [1, units[power + 1]] : [rounded, units[power]];
  return `${power === 0 && !isFull ? Math.round(value) : value.toFixed(1)} ${unit}`;
};

/** `45 s`, `3 min 10 s`, `18 min`, `1 h 5 min`: as exact as a reader needs. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return withRest([Math.floor(whole / 60), 'min'], [whole % 60, 's']);
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return withRest([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']);
};

const withRest = ([big, bigUnit]: [number, string], [small, smallUnit]: [number, string]): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;

/** `0:20`, `6:41`, `1:02:03`: how long a step took, beside its name. */
export const stopwatch = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours === 0 ? `${minutes}:${two(rest)}` : `${hours}:${two(minutes)}:${two(rest)}`;
};

/** `18,204 files`, `1 file`. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`;

/** `2026-03-05 02:00 UTC` */
export const utcTime = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

/** Slack shows the reader's own date and time; what cannot shows UTC. */
export const localTime = (iso: string): string =>
  `<!date^${Math.floor(Date.parse(iso) / 1000)}^{date_short_pretty} {time}|${utcTime(iso)}>`;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text that nobody can make a mention, a link or a date of. */
export const escape = (text: string): string => text.replaceAll(/[&<>]/g, (mark) => ESCAPES[mark] ?? mark);

/** Escaped, and cut so that the result is at most `most` long; what was left out is counted. */
export const escapeAndCut = (text: string, most: number): string => cutBy(text, most, escape);

/** Cut so that the result is at most `most` long; what was left out is counted. */
export const cut = (text: string, most: number): string => cutBy(text, most, (part) => part);

/** Room for the longest note of what was left out: ` … (123,456,789 more characters)`. */
const NOTE_CHARACTERS = 36;

const cutBy = (text: string, most: number, dress: (part: string) => string): string => {
  const whole = dress(text);
  if (whole.length <= most) return whole;
  let kept = '';
  let taken = 0;
  // By code point: a cut never falls inside an emoji's surrogates or an escape.
  for (const point of text) {
    const dressed = dress(point);
    if (kept.length + dressed.length > most - NOTE_CHARACTERS) break;
    kept += dressed;
    taken += point.length;
  }
  return `${kept.trimEnd()} … (${count(text.length - taken, 'more character')})`;
};

/** One line of printable text: what people or programs wrote cannot break out of a line or move the cursor. */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, (run) => (run === '‍' ? run : ' ')).trim();
