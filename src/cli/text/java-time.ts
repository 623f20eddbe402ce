/** Dates and durations in the formats of Java's tools, with Java's error messages. */
import { ToolError } from '../tool.ts';
import { CommandFailure } from './command-failure.ts';

function parseFailure(message: string): CommandFailure {
  const exception = `java.text.ParseException: ${message}`;
  return new CommandFailure(exception, `java.lang.RuntimeException: ${exception}`);
}

/** Parses `YYYY-MM-DDThh:mm:ss.sss` with a time zone, or in UTC when there is none. Returns milliseconds since 1970. */
export function parseDateTime(text: string): number {
  const [, time] = text.split('T');
  if (time === undefined || time === '') {
    throw parseFailure("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format");
  }
  const whole = /[+\-Z]/.test(time) ? text : `${text}Z`;
  const match =
    /^(\d{1,4})-(\d\d?)-(\d\d?)T(\d\d?):(\d\d?):(\d\d?)\.(\d{1,3})(?:Z|([+-])(\d\d):?(\d\d)?)/.exec(whole);
  if (match === null) throw parseFailure(`Unparseable date: "${whole}"`);
  const [year, month, day, hour, minute, second, millisecond] = match.slice(1, 8).map(Number) as [
    ...[number, number, number, number, number, number, number],
  ];
  const utcMs = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  const isReal =
    new Date(utcMs).getUTCDate() === day && month <= 12 && hour < 24 && minute < 60 && second < 60;
  if (!isReal) throw parseFailure(`Unparseable date: "${whole}"`);
  const zoneMinutes = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  return utcMs - (match[8] === '-' ? -1 : 1) * zoneMinutes * 60_000;
}

/** Parses a duration `PnDTnHnMn.nS`. Returns milliseconds. */
export function parseDuration(text: string): number {
  const match =
    /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?$/i.exec(
      text,
    );
  const parts = match?.slice(1) ?? [];
  const [sign, days, time, hours, minutes, seconds] = parts;
  const isEmpty = days === undefined && hours === undefined && minutes === undefined && seconds === undefined;
  if (match === null || isEmpty || time?.toUpperCase() === 'T') {
    const message = 'Text cannot be parsed to a Duration';
    throw new CommandFailure(message, `java.time.format.DateTimeParseException: ${message}`);
  }
  const totalSeconds =
    Number(days ?? 0) * 86_400 +
    Number(hours ?? 0) * 3600 +
    Number(minutes ?? 0) * 60 +
    Number((seconds ?? '0').replace(',', '.'));
  return (sign === '-' ? -1 : 1) * Math.round(totalSeconds * 1000);
}

/**
 * For each letter of a pattern for java.text.SimpleDateFormat: the part of the time that it stands for, in the local time zone.
 */
const dateParts: Readonly<Record<string, (date: Date) => number>> = {
  y: (date) => date.getFullYear(),
  M: (date) => date.getMonth() + 1,
  d: (date) => date.getDate(),
  H: (date) => date.getHours(),
  m: (date) => date.getMinutes(),
  s: (date) => date.getSeconds(),
  S: (date) => date.getMilliseconds(),
};

/**
 * Formats a time by a pattern for java.text.SimpleDateFormat. Text between apostrophes, and characters that are not letters,
 * are copied.
 */
export function simpleDateFormat(pattern: string, timeMs: number): string {
  const date = new Date(timeMs);
  return pattern.replace(/'([^']*)'|([A-Za-z])\2*/g, (word, quoted?: string, letter?: string) => {
    if (letter === undefined) return quoted === '' ? "'" : (quoted ?? '');
    const part = dateParts[letter];
    if (part === undefined) throw new ToolError(`Illegal pattern character '${letter}'`);
    const digits = String(part(date));
    return letter === 'y' && word.length === 2 ? digits.slice(-2) : digits.padStart(word.length, '0');
  });
}
