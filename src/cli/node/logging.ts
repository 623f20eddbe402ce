/**
 * Decides which log lines a node writes and in what format, from the same settings as a Kafka installation or image: the log4j
 * file that KAFKA_LOG4J_OPTS or KAFKA_OPTS names, then KAFKA_LOG4J_ROOT_LOGLEVEL and KAFKA_LOG4J_LOGGERS, which override it.
 * Lines are JSON when that file has a JSON layout, or when the property `log.format=json` is set.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logging } from '../../server/main.ts';
import { isLevelName, LogLevels } from '../../telemetry/log-levels.ts';
import { parseLog4jFile } from './log4j-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const fileOption = /-D(?:log4j2?\.configurationFile|log4j\.configuration)=(?:"([^"]+)"|'([^']+)'|(\S+))/;

/** Returns the path of the log4j file that the options of the JVM name; null when they name none. */
export function log4jPath(env: Environment): string | null {
  for (const options of [env['KAFKA_LOG4J_OPTS'], env['KAFKA_OPTS']]) {
    const found = fileOption.exec(options ?? '');
    if (found === null) continue;
    const path = (found[1] ?? found[2] ?? found[3]) as string;
    if (path.startsWith('file://')) return fileURLToPath(path);
    return path.replace(/^file:/, '');
  }
  return null;
}

/** Does not throw: when the file cannot be read, it returns a warning and the default levels, as log4j does. */
export async function loggingOf(
  env: Environment,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Promise<Logging> {
  const levels = new LogLevels();
  const warnings: string[] = [];
  let isJson = false;
  const path = log4jPath(env);
  if (path !== null) {
    try {
      const file = await parseLog4jFile(path, readFile(path), env);
      for (const [name, level] of file.levels) levels.set(name, level);
      for (const problem of file.problems) warnings.push(`In ${path} ${problem}: correct it`);
      isJson = file.isJson;
    } catch (error) {
      const reason = (error as Error).message;
      warnings.push(`The file that KAFKA_LOG4J_OPTS names can't be used: ${reason}. Correct it or its path`);
    }
  }
  const settings = [
    `root=${env['KAFKA_LOG4J_ROOT_LOGLEVEL'] ?? ''}`,
    ...(env['KAFKA_LOG4J_LOGGERS'] ?? '').split(','),
  ];
  for (const setting of settings) {
    const at = setting.lastIndexOf('=');
    const [name, level] = [
      setting.slice(0, at).trim(),
      setting
        .slice(at + 1)
        .trim()
        .toUpperCase(),
    ];
    if (level === '') continue;
    if (at > 0 && isLevelName(level)) levels.set(name, level);
    else warnings.push(`KAFKA_LOG4J_LOGGERS has ${setting}: write LOGGER=LEVEL, separated by commas`);
  }
  return { levels, format: isJson ? 'json' : 'text', warnings };
}
