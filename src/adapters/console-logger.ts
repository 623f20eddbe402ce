/**
 * Writes log lines as Kafka's log4j configuration formats them, with the logger's name at the end: `[2026-11-21 12:00:00,123]
 * INFO [Raft id=1] became leader epoch=4 (org.apache.kafka.raft.KafkaRaftClient)`. The other format is JSON, one object a line.
 * Warnings and errors have their remedy added; when one is repeated, it is written at most once a second.
 */
import { LogLevels, loggerOfPart } from '../telemetry/log-levels.ts';
import type { Logger, LogLevel } from '../telemetry/logger.ts';
import { remedyFor } from '../telemetry/remedies.ts';
import { RepeatedLines } from '../telemetry/repeated-lines.ts';

const levelNameOf = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

export type LogFormat = 'text' | 'json';

export interface ConsoleLoggerOptions {
  /** Receives whole lines, each with its newline. */
  readonly write: (text: string) => void;
  readonly wallMs: () => number;
  /** The level of each logger. When absent, all loggers have the level INFO. */
  readonly levels?: LogLevels;
  readonly format?: LogFormat;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Returns the local time in log4j's format. */
export function logTimestamp(wallMs: number): string {
  const t = new Date(wallMs);
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const millis = String(t.getMilliseconds()).padStart(3, '0');
  return `${day} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())},${millis}`;
}

/** Replaces values that JSON cannot represent, such as large integers and errors. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Error ? value.message : value;
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value, plain);
  return String(value);
}

interface Line {
  readonly wallMs: number;
  readonly level: LogLevel;
  readonly parts: readonly string[];
  readonly logger: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly remedy: string | null;
}

/** Returns the stacks of the errors in a line's fields. They follow the line, as in log4j, except at level DEBUG. */
function stacksOf({ fields, level }: Line): string[] {
  if (level === 'debug') return [];
  return Object.values(fields).flatMap((value) =>
    value instanceof Error && value.stack !== undefined ? [value.stack] : [],
  );
}

function textLine(line: Line): string {
  const { wallMs, level, parts, logger, message, fields, remedy } = line;
  let text = `[${logTimestamp(wallMs)}] ${levelNameOf[level]} ${parts.map((part) => `[${part}] `).join('')}${message}`;
  for (const key in fields) {
    if (fields[key] !== undefined) text += ` ${key}=${fieldText(fields[key])}`;
  }
  if (remedy !== null) text += `. What to do: ${remedy}`;
  return [`${text} (${logger})`, ...stacksOf(line), ''].join('\n');
}

function jsonLine(line: Line): string {
  const { wallMs, level, parts, logger, message, fields, remedy } = line;
  const stacks = stacksOf(line);
  const object = {
    timestamp: new Date(wallMs).toISOString(),
    level: levelNameOf[level],
    logger,
    ...(parts.length === 0 ? {} : { part: parts.join(' ') }),
    message,
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
    ...(remedy === null ? {} : { whatToDo: remedy }),
    ...(stacks.length === 0 ? {} : { stack: stacks.join('\n') }),
  };
  return `${JSON.stringify(object, plain)}\n`;
}

/** Makes a logger that passes its lines to `options.write`. */
export function createConsoleLogger(options: ConsoleLoggerOptions): Logger {
  const { levels = new LogLevels(), wallMs, write } = options;
  const lineOf = options.format === 'json' ? jsonLine : textLine;
  const repeated = new RepeatedLines();
  const create = (parts: readonly string[]): Logger => {
    const logger = loggerOfPart(parts.at(-1) ?? '');
    const put = (level: LogLevel, message: string, fields: Record<string, unknown> = {}): void => {
      const name = levelNameOf[level];
      if (!levels.isEnabled(logger, name)) return;
      const nowMs = wallMs();
      const line = { wallMs: nowMs, level, parts, logger, message, fields, remedy: null };
      if (level === 'debug' || level === 'info') return write(lineOf(line));
      const suppressed = repeated.admit(`${logger} ${message}`, fields, nowMs);
      if (suppressed < 0) return;
      const remedy = remedyFor(message, fields);
      write(lineOf({ ...line, remedy, fields: suppressed === 0 ? fields : { ...fields, suppressed } }));
    };
    return {
      levels,
      debug: (message, fields) => put('debug', message, fields),
      info: (message, fields) => put('info', message, fields),
      warn: (message, fields) => put('warn', message, fields),
      error: (message, fields) => put('error', message, fields),
      child: (name) => create([...parts, name]),
    };
  };
  return create([]);
}
