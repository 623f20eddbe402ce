/**
 * The checks of IncrementalAlterConfigs for brokers, groups and client metrics subscriptions: which keys may be changed, and
 * which values are valid. The error messages are Kafka's, except where a message of Kafka shows a Java exception. `topic.ts`
 * has the checks for topics.
 */
import { compileRegex, RegexError } from './regex.ts';
import {
  type BrokerKey,
  brokerProperties,
  brokerProperty,
  dynamicOnlyProperties,
  isBrokerKey,
} from './broker-properties.ts';
import {
  ConfigError,
  invalidDynamic,
  type Property,
  type PropertyTable,
  type PropertyValue,
  parseValue,
  splitList,
} from './define.ts';
import type { DynamicValues, NodeConfig } from './node-config.ts';
import { clientMetricsProperties, groupProperties } from './tables/entities.ts';
import { topicDefault } from './topic.ts';

/** An invalid configuration for which Kafka's response has INVALID_REQUEST instead of INVALID_CONFIG. */
export class ConfigRequestError extends ConfigError {}

/** Keys that can be changed at run time only with the prefix of one listener (`listener.name.NAME.`). */
const perListenerOnly = /^ssl\.(keystore|truststore|key)\./;

const javaMetricsReporter = 'org.apache.kafka.common.metrics.JmxReporter';

const notZero = (name: string, text: string): string | null =>
  Number(text) === 0 ? invalidDynamic(`Invalid ${name} 0`) : null;

/** Kafka's checks of single values in addition to type and range. Each returns the problem, or null. */
const valueProblems: Readonly<Record<string, (text: string) => string | null>> = {
  'log.retention.ms': (text) =>
    Number(text) === 0
      ? 'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1'
      : null,
  'max.connections': (text) => notZero('max.connections', text),
  'max.connection.creation.rate': (text) => notZero('max.connection.creation.rate', text),
  'metric.reporters': (text) =>
    splitList(text).every((name) => name === javaMetricsReporter)
      ? null
      : invalidDynamic(
          'Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters',
        ),
  'max.connections.per.ip.overrides': (text) => {
    const wrong = splitList(text).find((pair) => !/^.*:\s*[+-]?\d+\s*$/.test(pair));
    return wrong === undefined
      ? null
      : `Error parsing configuration property 'max.connections.per.ip.overrides': ${wrong} is not of the form address:count`;
  },
};

/**
 * Checks the dynamic configuration of one broker (`perBroker`), or of all brokers, as it would be after the change. Unknown
 * names are accepted, because plug-ins may read them. Throws `ConfigError`.
 */
export function validateBrokerConfig(values: ReadonlyMap<string, string>, perBroker: boolean): void {
  const names = [...values.keys()];
  const fixedNames = names.filter(
    (name) => isBrokerKey(name) && brokerProperties[name].update === 'read-only',
  );
  if (fixedNames.length > 0)
    throw new ConfigError(`Cannot update these configs dynamically: [${fixedNames.join(', ')}]`);
  const unprefixed = names.filter((name) => perListenerOnly.test(name));
  if (unprefixed.length > 0) {
    throw new ConfigError(
      `These security configs can be dynamically updated only per-listener using the listener prefix: [${unprefixed.join(', ')}]`,
    );
  }
  for (const [name, text] of values) {
    const property = brokerProperty(name);
    if (property !== null) parseValue(name, property, text);
  }
  if (!perBroker) {
    const own = names.filter(
      (name) => brokerProperty(name)?.update === 'per-broker' && !Object.hasOwn(dynamicOnlyProperties, name),
    );
    if (own.length > 0) {
      throw new ConfigError(
        `Cannot update these configs at default cluster level, broker id must be specified: [${own.join(', ')}]`,
      );
    }
  }
  for (const [name, text] of values) {
    const problem = valueProblems[name]?.(text);
    if (problem !== undefined && problem !== null) throw new ConfigError(problem);
  }
}

/**
 * Sizes of thread pools. Kafka accepts at most twice and at least half the current size, so this broker does too, although it
 * has no thread pools.
 */
const threadCounts: readonly BrokerKey[] = [
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
  'remote.log.reader.threads',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'log.cleaner.threads',
];

/**
 * Checks the dynamic values of this broker (`isOwn`), or those of the cluster, together with all other values of this broker.
 * `values` are all dynamic values of that layer after the change. Returns Kafka's error message. Returns null when the values
 * are valid, and also when a value is invalid by itself, because the controller then refuses the change.
 */
export function problemAtBroker(values: DynamicValues, config: NodeConfig, isOwn: boolean): string | null {
  try {
    validateBrokerConfig(values, isOwn);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
  return (
    threadCountProblem(values, config) ??
    localRetentionProblem(values, config) ??
    config.problemTogether(values, isOwn)
  );
}

/**
 * Returns the problem when `log.local.retention.*` is more than `log.retention.*`; otherwise null. In both, -1 means no limit.
 * A local retention of -2 stands for the value of `log.retention.*`.
 */
function localRetentionProblem(values: DynamicValues, config: NodeConfig): string | null {
  for (const unit of ['ms', 'bytes'] as const) {
    const [key, wholeKey] = [`log.local.retention.${unit}`, `log.retention.${unit}`] as const;
    const whole = Number(values.get(wholeKey) ?? topicDefault(`retention.${unit}`, config));
    const local = Number(values.get(key) ?? config.get(key));
    if (whole < 0 || local === -2 || (local >= 0 && local <= whole)) continue;
    const why =
      local === -1
        ? `Value must not be -1 as ${wholeKey} value is set as ${whole}.`
        : `Value must not be more than ${wholeKey} property value: ${whole}`;
    return invalidDynamic(`Invalid value ${local} for configuration ${key}: ${why}`);
  }
  return null;
}

/** Returns why the change of a thread count is too large compared with the current count, or null. */
function threadCountProblem(values: DynamicValues, config: NodeConfig): string | null {
  for (const name of threadCounts) {
    const text = values.get(name);
    const current = config.get(name) as number;
    if (text === undefined || !/^\d+$/.test(text) || (name !== 'log.cleaner.threads' && Number(text) === 0))
      continue;
    const isHigh = Number(text) > current * 2;
    if (!isHigh && Number(text) > 0 && Number(text) >= Math.floor(current / 2)) continue;
    const change = isHigh ? 'increased to more than double' : 'reduced to less than half';
    const bound = isHigh ? 'not be greater than double' : 'be at least half';
    const message =
      name === 'log.cleaner.threads'
        ? `Log cleaner threads cannot be ${change} the current value ${current}`
        : `Dynamic thread count update validation failed for ${name}=${text}, value should ${bound} the current value ${current}`;
    return invalidDynamic(message);
  }
  return null;
}

/**
 * Checks the configuration of a group: its names, its values, the bounds that the broker's properties set for groups, and that
 * each session timeout is longer than the heartbeat interval. A key that the group does not set has the broker's value. Throws
 * `ConfigError`.
 */
export function validateGroupConfig(values: ReadonlyMap<string, string>, config: NodeConfig): void {
  const table: PropertyTable = groupProperties;
  const unknown = [...values.keys()].find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined) throw new ConfigError(`Unknown group config name: ${unknown}`);
  const parsed = new Map<string, PropertyValue>();
  for (const [name, property] of Object.entries(table)) {
    const text = values.get(name);
    const own = brokerKeyOfGroup(name, '');
    if (text !== undefined) parsed.set(name, parseValue(name, property, text));
    else if (own !== null) parsed.set(name, config.get(own));
  }
  for (const [name, value] of parsed) {
    if (values.has(name) && typeof value === 'number') checkBounds(name, value, config);
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`];
    if ((parsed.get(session) as number) <= (parsed.get(heartbeat) as number))
      throw new ConfigError(`${session} must be greater than ${heartbeat}`);
  }
}

/**
 * Returns the broker's key for a key of a group: `group.consumer.session.timeout.ms` for `consumer.session.timeout.ms`. With a
 * bound it is `group.consumer.min.session.timeout.ms`. Null when there is none.
 */
function brokerKeyOfGroup(name: string, bound: '' | '.min' | '.max'): BrokerKey | null {
  if (name === 'streams.num.standby.replicas' && bound === '.max')
    return 'group.streams.max.standby.replicas';
  const dot = name.indexOf('.');
  const key = `group.${name.slice(0, dot)}${bound}${name.slice(dot)}`;
  return isBrokerKey(key) ? key : null;
}

function checkBounds(name: string, value: number, config: NodeConfig): void {
  const [min, max] = [brokerKeyOfGroup(name, '.min'), brokerKeyOfGroup(name, '.max')];
  if (min !== null && value < (config.get(min) as number)) {
    throw new ConfigError(`${name} must be greater than or equal to ${min}`);
  }
  if (max !== null && value > (config.get(max) as number)) {
    throw new ConfigError(`${name} must be less than or equal to ${max}`);
  }
}

/** The attributes of a client by which a client metrics subscription can select clients. */
const clientSelectors: readonly string[] = [
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
];

/** Checks the configuration of a client metrics subscription. Throws `ConfigError`. */
export function validateClientMetricsConfig(values: ReadonlyMap<string, string>): void {
  const table: PropertyTable = clientMetricsProperties;
  for (const [name, text] of values) {
    const property = Object.hasOwn(table, name) ? table[name] : undefined;
    if (property === undefined) throw new ConfigRequestError(`Unknown client metrics configuration: ${name}`);
    const { min = 0, max = 0, ...unbounded } = property;
    const value = parseValue(name, unbounded, text);
    if (name === 'interval.ms' && (Number(value) < min || Number(value) > max)) {
      throw new ConfigRequestError(
        `Invalid value ${text} for interval.ms, interval must be between ${min} and ${max} (1 hour)`,
      );
    }
    if (name === 'match') splitList(text).forEach(checkSelector);
  }
}

function checkSelector(pattern: string): void {
  const [selector = '', expression, ...rest] = pattern.split('=');
  let isExpression = expression !== undefined && rest.length === 0;
  try {
    compileRegex(expression ?? '');
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    isExpression = false;
  }
  if (!isExpression || !clientSelectors.includes(selector.trim())) {
    throw new ConfigError(`Illegal client matching pattern: ${pattern}`);
  }
}

/**
 * Splits as Java's `String.split(",")` does: empty elements at the end are dropped, but an empty text gives one empty element.
 */
function splitAsJava(text: string): string[] {
  if (text === '') return [''];
  const parts = text.split(',');
  while (parts.at(-1) === '') parts.pop();
  return parts;
}

/**
 * Returns a LIST after APPEND or SUBTRACT of the elements in `text`. As in Kafka's controller, blanks around an element are
 * part of it. Throws `ConfigError` when the key is not a LIST.
 */
export function alterList(
  name: string,
  property: Property | null,
  current: string,
  operation: 'APPEND' | 'SUBTRACT',
  text: string,
): string {
  if (property?.type !== 'LIST')
    throw new ConfigError(`Can't ${operation} to key ${name} because its type is not LIST.`);
  return alterElements(current, operation, text);
}

/** As `alterList`, for a value that is known to be a LIST. */
export function alterElements(current: string, operation: 'APPEND' | 'SUBTRACT', text: string): string {
  const elements = splitAsJava(current).filter((element) => element !== '');
  for (const given of splitAsJava(text)) {
    const at = elements.indexOf(given);
    if (operation === 'APPEND' && at === -1) elements.push(given);
    if (operation === 'SUBTRACT' && at !== -1) elements.splice(at, 1);
  }
  return elements.join(',');
}
