/**
 * Collects the properties of a container, each with its origin, and notes for the user. A later value replaces an earlier one.
 */
import { parseProperties } from '../../config/properties-file.ts';
import type { Environment, PlannedProperty } from './types.ts';

export class Draft {
  readonly properties = new Map<string, PlannedProperty>();
  readonly notes: string[] = [];

  set(key: string, value: string, origin: string): void {
    // A Map keeps the position of a key that is set again, so the properties stay in the order in which they first appeared.
    this.properties.set(key, { value, origin });
  }

  /** Sets a key unless it is set already. */
  setDefault(key: string, value: string, origin: string): void {
    if (!this.properties.has(key)) this.set(key, value, origin);
  }

  get(key: string): string | undefined {
    return this.properties.get(key)?.value;
  }

  /** Removes a key, and returns the property that it had. */
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

/** Variables with options for the Java virtual machine. KAFKA_OPTS is one of them, although it often names a JAAS file. */
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

/** Variables that do not set a property in any dialect: scripts, the JVM or the entry point read them. */
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
 * Returns the name of the property for the rest of a variable's name after its prefix. The rule of apache/kafka and cp-kafka:
 * three underscores stand for a dash, two for an underscore, one for a dot.
 */
export function propertyName(rest: string): string {
  return rest
    .toLowerCase()
    .replace(/___|__|_/g, (found) => (found.length === 3 ? '-' : found.length === 2 ? '_' : '.'));
}

/** Returns the variables with `prefix` that set properties, sorted by name. */
export function propertyVariables(env: Environment, prefix: string): [name: string, value: string][] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && name.length > prefix.length && !notProperties.has(name))
    .sort()
    .map((name) => [name, env[name] ?? '']);
}

export function isYes(value: string | undefined): boolean {
  return /^(yes|true|1)$/i.test(value ?? '');
}
