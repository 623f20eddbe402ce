/**
 * Reads levels of loggers from the log4j configuration files that Kafka installations have: log4j2.properties, log4j2.yaml,
 * log4j2.json, log4j2.xml, and log4j.properties of older releases. Only levels and whether the layout is JSON are used.
 * Appenders, files and patterns are ignored, because a node writes all lines to standard output.
 */
import { parseProperties } from '../../config/properties-file.ts';
import { isLevelName, type LevelName, rootLogger } from '../../telemetry/log-levels.ts';

export interface Log4jFile {
  /** By the name of the logger. The root logger is included. */
  readonly levels: ReadonlyMap<string, LevelName>;
  /** Whether the file names a JSON layout anywhere. */
  readonly isJson: boolean;
  /** Messages about levels that log4j does not have. Other mistakes in the file are ignored. */
  readonly problems: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const jsonLayouts = /JsonTemplateLayout|JSONLayout|JSONEventLayout|ECSLayout/i;

/** Replaces look-ups such as `${env:NAME:-default}`. Only `env` is supported; any other look-up gives its default. */
function resolve(text: string, env: Environment): string {
  return text.replaceAll(/\$\{([^}]*)\}/g, (_all, body: string) => {
    const at = body.indexOf(':-');
    const [name, standIn] = at < 0 ? [body, ''] : [body.slice(0, at), body.slice(at + 2)];
    return (name.startsWith('env:') ? env[name.slice('env:'.length)] : undefined) ?? standIn;
  });
}

class Levels {
  readonly levels = new Map<string, LevelName>();
  readonly problems: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** `text` is a level, possibly followed by the names of appenders: `INFO, stdout`. */
  take(logger: string, text: string): void {
    const level = (resolve(text, this.#env).split(',', 1)[0] as string).trim().toUpperCase();
    if (level === '' || level === 'INHERITED' || level === 'NULL') return;
    if (isLevelName(level)) this.levels.set(logger === '' ? rootLogger : logger, level);
    else this.problems.push(`${level} is not a level of log4j (logger ${logger || rootLogger})`);
  }
}

function fromProperties(text: string, found: Levels): void {
  const properties = parseProperties(text);
  const entries = [...properties].map(([key, value]): [string, string] => [key.trim(), value]);
  for (const [key, value] of entries) {
    // log4j 1 has log4j.rootLogger=INFO, stdout and log4j.logger.kafka=WARN, file
    if (key === 'log4j.rootLogger' || key === 'log4j.rootCategory') found.take(rootLogger, value);
    const old = /^log4j\.(?:logger|category)\.(.+)$/.exec(key);
    if (old !== null) found.take(old[1] as string, value);
    // log4j 2 has rootLogger=INFO, stdout or rootLogger.level=INFO. A logger has logger.ID.name=NAME, and logger.ID=LEVEL,
    // appender or logger.ID.level=LEVEL.
    if (key === 'rootLogger' || key === 'rootLogger.level') found.take(rootLogger, value);
    const own = /^logger\.([^.]+)(\.level)?$/.exec(key);
    if (own === null) continue;
    const name = properties.get(`logger.${own[1]}.name`);
    if (name !== undefined) found.take(name.trim(), value);
  }
}

function attribute(tag: string, name: string): string | null {
  return new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`, 'i').exec(tag)?.[1] ?? null;
}

function fromXml(text: string, found: Levels): void {
  const withoutComments = text.replaceAll(/<!--[\s\S]*?-->/g, '');
  for (const [tag, kind] of withoutComments.matchAll(/<(AsyncRoot|Root|AsyncLogger|Logger)\b[^>]*>/gi)) {
    const level = attribute(tag, 'level');
    const name = /root$/i.test(kind as string) ? rootLogger : attribute(tag, 'name');
    if (level !== null && name !== null) found.take(name, level);
  }
}

/** Returns the value of the key `name`, which is in lower case here and may be in any case in the file, as in log4j. */
function child(node: unknown, name: string): unknown {
  if (typeof node !== 'object' || node === null) return undefined;
  return Object.entries(node).find(([key]) => key.toLowerCase() === name)?.[1];
}

function fromTree(tree: unknown, found: Levels): void {
  const loggers = child(child(tree, 'configuration'), 'loggers');
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  for (const kind of ['root', 'asyncroot'])
    found.take(rootLogger, text(child(child(loggers, kind), 'level')));
  for (const kind of ['logger', 'asynclogger']) {
    // A list, or a single logger.
    const some = child(loggers, kind);
    for (const one of Array.isArray(some) ? (some as unknown[]) : [some])
      if (one !== undefined) found.take(text(child(one, 'name')), text(child(one, 'level')));
  }
}

/** Parses a file in the format of its extension. Throws when YAML or JSON is not valid; other formats are not validated. */
export async function parseLog4jFile(name: string, text: string, env: Environment): Promise<Log4jFile> {
  const found = new Levels(env);
  if (/\.ya?ml$/i.test(name)) fromTree((await import('yaml')).parse(text), found);
  else if (/\.jsn$|\.json$/i.test(name)) fromTree(JSON.parse(text), found);
  else if (/\.xml$/i.test(name)) fromXml(text, found);
  else fromProperties(text, found);
  return { levels: found.levels, isJson: jsonLayouts.test(text), problems: found.problems };
}
