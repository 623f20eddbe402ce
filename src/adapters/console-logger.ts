/**
 * Log lines that a person can read, in the shape that Kafka's log4j configuration prints:
 * `[2026-11-21 12:00:00,123] INFO [Raft id=1] became leader epoch=4`.
 */
import { type Logger, type LogLevel, type LogThreshold, logThresholds } from '../telemetry/logger.ts';

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface ConsoleLoggerOptions {
  /** Takes whole lines, newline included. */
  readonly write: (text: string) => void;
  readonly wallMs: () => number;
  /** Lines below this level are dropped, until another one is set. */
  readonly level: LogLevel;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Local time as log4j prints it. */
export function logTimestamp(wallMs: number): string {
  const t = new Date(wallMs);
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const millis = String(t.getMilliseconds()).padStart(3, '0');
  return `${day} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())},${millis}`;
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? String(inner) : inner,
    );
  }
  return String(value);
}

function line(
  name: string,
  level: LogLevel,
  wallMs: number,
  message: string,
  fields?: Record<string, unknown>,
) {
  let text = `[${logTimestamp(wallMs)}] ${level.toUpperCase()} ${name === '' ? '' : `[${name}] `}${message}`;
  let stack = '';
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    text += ` ${key}=${fieldText(value)}`;
    // An error's stack follows the line, as log4j prints an exception.
    if (value instanceof Error && value.stack !== undefined && level !== 'debug') stack += `\n${value.stack}`;
  }
  return `${text}${stack}\n`;
}

/** A logger that writes lines to a terminal or a file. */
export function createConsoleLogger(
  options: ConsoleLoggerOptions,
  name = '',
  threshold: LogThreshold = { name: options.level.toUpperCase() },
): Logger {
  const put = (level: LogLevel, message: string, fields?: Record<string, unknown>): void => {
    if (rank[level] >= rank[logThresholds.get(threshold.name) ?? options.level])
      options.write(line(name, level, options.wallMs(), message, fields));
  };
  return {
    threshold,
    debug: (message, fields) => put('debug', message, fields),
    info: (message, fields) => put('info', message, fields),
    warn: (message, fields) => put('warn', message, fields),
    error: (message, fields) => put('error', message, fields),
    child: (childName) =>
      createConsoleLogger(options, name === '' ? childName : `${name}] [${childName}`, threshold),
  };
}
