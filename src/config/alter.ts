/** What IncrementalAlterConfigs may do to brokers, topics and groups: the rules by key, with Kafka's messages. */
import { brokerProperties, brokerSynonyms, dynamicOnlyProperties, isBrokerKey } from './broker-properties.ts';
import { ConfigError, type Property, type PropertyTable, parseValue, splitList } from './define.ts';
import { brokerProperty } from './describe.ts';

/** Keys that only one listener may get at run time. */
const perListenerOnly = /^ssl\.(keystore|truststore|key)\./;

/**
 * Checks the dynamic configuration that a broker (`perBroker`) or all brokers would have. Unknown names are accepted, as
 * plug-ins may read them. Throws `ConfigError`.
 */
export function validateBrokerConfig(values: ReadonlyMap<string, string>, perBroker: boolean): void {
  const names = [...values.keys()];
  const fixedNames = names.filter(
    (name) => isBrokerKey(name) && brokerProperties[name].update === 'read-only',
  );
  if (fixedNames.length > 0)
    throw new ConfigError(`Cannot update these configs dynamically: Set(${fixedNames.join(', ')})`);
  const unprefixed = names.filter((name) => perListenerOnly.test(name));
  if (unprefixed.length > 0) {
    throw new ConfigError(
      `These security configs can be dynamically updated only per-listener using the listener prefix: Set(${unprefixed.join(', ')})`,
    );
  }
  if (!perBroker) {
    const own = names.filter(
      (name) => brokerProperty(name)?.update === 'per-broker' && !Object.hasOwn(dynamicOnlyProperties, name),
    );
    if (own.length > 0) {
      throw new ConfigError(
        `Cannot update these configs at default cluster level, broker id must be specified: Set(${own.join(', ')})`,
      );
    }
  }
  for (const [name, text] of values) {
    const property = brokerProperty(name);
    if (property !== null) parseValue(name, property, text);
  }
}

/** Checks values against a table that must know every name (groups, client metrics). Throws `ConfigError`. */
export function validateEntityConfig(
  table: PropertyTable,
  what: string,
  values: ReadonlyMap<string, string>,
): void {
  for (const [name, text] of values) {
    const property: Property | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
    if (property === undefined) throw new ConfigError(`Unknown ${what} config name: ${name}`);
    parseValue(name, property, text);
  }
}

/** A LIST after APPEND or SUBTRACT of the elements of `text`. Throws `ConfigError` for keys of another type. */
export function alterList(
  name: string,
  property: Property | null,
  current: string,
  operation: 'APPEND' | 'SUBTRACT',
  text: string,
): string {
  if (property?.type !== 'LIST')
    throw new ConfigError(`Can't ${operation} to key ${name} because its type is not LIST.`);
  const elements = splitList(current);
  const given = splitList(text);
  const after =
    operation === 'APPEND'
      ? [...elements, ...given.filter((one) => !elements.includes(one))]
      : elements.filter((one) => !given.includes(one));
  return after.join(',');
}

/** True when the value of `name` may show only as null (passwords and unknown keys). */
export function hidesValue(name: string): boolean {
  const property = brokerProperty(brokerSynonyms(name)[0] ?? name);
  return property === null || property.type === 'PASSWORD';
}
