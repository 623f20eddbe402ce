/** The properties that a dialect collects, each with its origin. A later value replaces an earlier one. */
import { parseProperties } from '../../config/properties-file.ts';
import type { Environment, PlannedProperty } from './types.ts';

export class Draft {
  readonly properties = new Map<string, PlannedProperty>();
  readonly notes: string[] = [];

  set(key: string, value: string, origin: string): void {
    // A key that is set again keeps its position in the Map.
    this.properties.set(key, { value, origin });
  }

  /** Sets a key that is not set yet. */
  setDefault(key: string, value: string, origin: string): void {
    if (!this.properties.has(key)) this.set(key, value, origin);
  }

  get(key: string): string | undefined {
    return this.properties.get(key)?.value;
  }

  /** Removes a key and returns its property. */
  take(key: string): PlannedProperty | undefined {
    const found = this.properties.get(key);
    this.properties.delete(key);
    return found;
  }

  addFile(text: string, origin: string): void {
    for (const [key, value] of parseProperties(text)) this.set(key, value, origin);
  }

  note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence);
  }
}

/** Options of a Java virtual machine. KAFKA_OPTS may name a JAAS file, which is such an option too. */
export const jvmVariables = [
  'KAFKA_HEAP_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_OPTS',
  'JMX_PORT',
];

/** Variables that are used by scripts, the JVM or the entry point, and are not properties in any dialect. */
const notProperties = new Set([
  ...jvmVariables,
  'KAFKA_VERSION',
  'KAFKA_HOME',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_LOG_FORMAT',
  'KAFKA_CREATE_TOPICS',
  'KAFKA_CREATE_TOPICS_SEPARATOR',
  'KAFKA_INITIAL_CONTROLLERS',
]);

/**
 * The property of a variable without its prefix, by the rule of apache/kafka and cp-kafka: three underscores are a dash, two an
 * underscore, one a dot.
 */
export function propertyName(rest: string): string {
  return rest
    .toLowerCase()
    .replace(/___|__|_/g, (found) => (found.length === 3 ? '-' : found.length === 2 ? '_' : '.'));
}

/** Variables with `prefix` that set properties, in the order of their names. */
export function propertyVariables(env: Environment, prefix: string): [name: string, value: string][] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && name.length > prefix.length && !notProperties.has(name))
    .sort()
    .map((name) => [name, env[name] ?? '']);
}

export function isYes(value: string | undefined): boolean {
  return /^(yes|true|1)$/i.test(value ?? '');
}
