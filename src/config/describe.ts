/**
 * Makes the entries of DescribeConfigs responses: the value of each key in force, where it comes from, and all places that set
 * the key ("synonyms"), the one that takes precedence first. Values of passwords and of unknown keys are never shown.
 */
import type { BrokerKey } from './broker-properties.ts';
import { brokerProperties, brokerProperty, brokerSynonyms, isBrokerKey } from './broker-properties.ts';
import {
  type Property,
  type PropertyTable,
  type PropertyType,
  parseValue,
  validText,
  valueText,
} from './define.ts';
import type { DynamicValues, NodeConfig } from './node-config.ts';
import { topicProperties } from './tables/topic.ts';
import type { TopicKey, TopicOverrides } from './topic.ts';
import { topicValue } from './topic.ts';

/** Codes of a value's source in DescribeConfigsResponse. */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const;

/** Codes of a value's type in DescribeConfigsResponse. */
export const configTypeCode: Record<PropertyType | 'UNKNOWN', number> = {
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
};

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly source: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly ConfigSynonym[];
  readonly type: number;
  readonly documentation: string;
}

function isSensitive(property: Property | null): boolean {
  return property === null || property.type === 'PASSWORD';
}

/** Returns all places that set a broker key or one of its synonyms, the one that takes precedence first. */
export function synonymsOfBrokerKey(name: string, config: NodeConfig): ConfigSynonym[] {
  const names = brokerSynonyms(name);
  const found: ConfigSynonym[] = [];
  const layers: [DynamicValues, number][] = [
    [config.dynamicBroker, ConfigSource.dynamicBroker],
    [config.dynamicCluster, ConfigSource.dynamicDefaultBroker],
    [config.originals, ConfigSource.staticBroker],
  ];
  for (const [values, source] of layers) {
    for (const one of names) {
      const value = values.get(one);
      if (value !== undefined)
        found.push({ name: one, value: isSensitive(brokerProperty(one)) ? null : value, source });
    }
  }
  for (const one of names) {
    const property = isBrokerKey(one) ? (brokerProperties[one] as Property) : null;
    const value = property?.default === undefined ? null : valueText(property, property.default);
    if (value !== null) found.push({ name: one, value, source: ConfigSource.default });
  }
  // The list begins at the first entry with the key's own name, as in Kafka: what precedes it belongs to another of the
  // synonyms.
  const own = found.findIndex((synonym) => synonym.name === name);
  return own < 0 ? [] : found.slice(own);
}

function brokerEntry(name: string, config: NodeConfig): ConfigEntry {
  const property = brokerProperty(name);
  const synonyms = synonymsOfBrokerKey(name, config);
  const text = isBrokerKey(name)
    ? valueText(brokerProperties[name], config.get(name))
    : (synonyms[0]?.value ?? null);
  return {
    name,
    value: isSensitive(property) ? null : text,
    readOnly: property !== null && property.update === 'read-only',
    source: synonyms[0]?.source ?? ConfigSource.default,
    isSensitive: isSensitive(property),
    synonyms,
    type: configTypeCode[property?.type ?? 'UNKNOWN'],
    documentation: property?.doc ?? '',
  };
}

/**
 * DescribeConfigs of this broker, for all keys or those in `keys`. Internal and unknown keys are left out unless they are set.
 */
export function describeBroker(config: NodeConfig, keys: readonly string[] | null): ConfigEntry[] {
  const names = new Set<string>();
  for (const [name, property] of Object.entries<Property>(brokerProperties)) {
    if (property.internal !== true || config.originals.has(name)) names.add(name);
  }
  for (const layer of [config.originals, config.dynamicCluster, config.dynamicBroker]) {
    for (const name of layer.keys()) names.add(name);
  }
  return [...names]
    .filter((name) => keys === null || keys.includes(name))
    .map((name) => brokerEntry(name, config));
}

/** DescribeConfigs of the dynamic configuration for all brokers, which clients ask for with an empty broker name. */
export function describeClusterDefaults(
  cluster: DynamicValues,
  keys: readonly string[] | null,
): ConfigEntry[] {
  return [...cluster]
    .filter(([name]) => keys === null || keys.includes(name))
    .map(([name, text]) => {
      const property = brokerProperty(name);
      const value = isSensitive(property) ? null : text;
      return {
        name,
        value,
        readOnly: false,
        source: ConfigSource.dynamicDefaultBroker,
        isSensitive: isSensitive(property),
        synonyms: [{ name, value, source: ConfigSource.dynamicDefaultBroker }],
        type: configTypeCode[property?.type ?? 'UNKNOWN'],
        documentation: property?.doc ?? '',
      };
    });
}

/** Returns a value as it is displayed, for example a list without blanks around its elements. */
function shown(name: string, property: Property, text: string): string | null {
  return valueText(property, parseValue(name, property, text));
}

/** DescribeConfigs of a topic. */
export function describeTopic(
  overrides: TopicOverrides,
  config: NodeConfig,
  keys: readonly string[] | null,
): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const [name, property] of Object.entries(topicProperties)) {
    const own = overrides.get(name);
    if (keys === null ? property.internal === true && own === undefined : !keys.includes(name)) continue;
    const synonyms: ConfigSynonym[] =
      own === undefined
        ? []
        : [{ name, value: shown(name, property as Property, own), source: ConfigSource.topic }];
    if (property.synonym !== null)
      synonyms.push(...synonymsOfBrokerKey(property.synonym as BrokerKey, config));
    entries.push({
      name,
      value: valueText(property as Property, topicValue(name as TopicKey, overrides, config)),
      readOnly: false,
      source: synonyms[0]?.source ?? ConfigSource.default,
      isSensitive: false,
      synonyms,
      type: configTypeCode[property.type],
      documentation: property.doc ?? '',
    });
  }
  return entries;
}

/** The value of a key that the entity itself does not set, and the places from which it comes. */
interface Below {
  readonly value: string;
  readonly synonyms: readonly ConfigSynonym[];
}

/** Returns the broker's value for a key that a group does not set; null when the broker has no such key. */
export function belowGroup(config: NodeConfig, key: string): Below | null {
  const name = `group.${key}`;
  if (!isBrokerKey(name)) return null;
  return { value: String(config.get(name)), synonyms: synonymsOfBrokerKey(name, config) };
}

/**
 * DescribeConfigs of a group or of a client metrics subscription, by its table. `below` returns the broker's value for a key
 * that the entity does not set. A client metrics subscription has no `below`: its keys have the default, which is then not
 * listed as a synonym.
 */
export function describeEntity(
  table: PropertyTable,
  overrides: ReadonlyMap<string, string>,
  source: number,
  keys: readonly string[] | null,
  below: ((name: string) => Below | null) | null = null,
): ConfigEntry[] {
  return Object.entries(table)
    .filter(([name]) => keys === null || keys.includes(name))
    .map(([name, property]) => {
      const own = overrides.get(name);
      const standard = valueText(property, property.default ?? null);
      const defaults = standard === null ? [] : [{ name, value: standard, source: ConfigSource.default }];
      const { value: fallback, synonyms } = below?.(name) ?? { value: standard, synonyms: defaults };
      const value = own === undefined ? fallback : valueText(property, parseValue(name, property, own));
      return {
        name,
        value,
        readOnly: false,
        source: own === undefined ? (synonyms[0]?.source ?? ConfigSource.default) : source,
        isSensitive: false,
        synonyms: [
          ...(own === undefined || value === null ? [] : [{ name, value, source }]),
          ...(below === null ? [] : synonyms),
        ],
        type: configTypeCode[property.type],
        documentation: property.doc ?? '',
      };
    });
}

/**
 * Returns one row of docs/configuration.md: key, type, default, valid values.
 *
 * @public `scripts/docs/config.mjs` calls it, from the build.
 */
export function documentationRow(name: string, property: Property): string[] {
  const value =
    property.default === undefined ? 'must be set' : (valueText(property, property.default) ?? 'null');
  return [name, property.type.toLowerCase(), value === '' ? '""' : value, validText(property)];
}
