/** Properties while a dialect puts them together: each with its origin, the last one wins. */
import { parseProperties } from '../../config/properties-file.ts';
import type { Environment, PlannedProperty } from './types.ts';

export class Draft {
  readonly properties = new Map<string, PlannedProperty>();
  readonly notes: string[] = [];

  set(key: string, value: string, origin: string): void {
    // A key that is set again keeps its place; a Map does so by itself.
    this.properties.set(key, { value, origin });
  }

  /** Sets what nothing has set yet. */
  setDefault(key: string, value: string, origin: string): void {
    if (!this.properties.has(key)) this.set(key, value, origin);
  }

  get(key: string): string | undefined {
    return this.properties.get(key)?.value;
  }

  /** Removes a key and returns what it was. */
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

/** Options of a Java machine; KAFKA_OPTS may hold a JAAS file, which is one too. */
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

/** Variables that belong to scripts, the JVM or the entry point, and are no properties in any dialect. */
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
 * The property of a variable behind its prefix, by apache/kafka's rule, which cp-kafka shares: three underscores are a dash,
 * two an underscore, one a dot.
 */
export function propertyName(rest: string): string {
  return rest
    .toLowerCase()
    .replace(/___|__|_/g, (found) => (found.length === 3 ? '-' : found.length === 2 ? '_' : '.'));
}

/** Variables with `prefix` that stand for properties, in the order of their names. */
export function propertyVariables(env: Environment, prefix: string): [name: string, value: string][] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && name.length > prefix.length && !notProperties.has(name))
    .sort()
    .map((name) => [name, env[name] ?? '']);
}

export function isYes(value: string | undefined): boolean {
  return /^(yes|true|1)$/i.test(value ?? '');
}
