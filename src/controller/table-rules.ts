/** Implements `ConfigRules` from the property tables and the controller's own properties. */
import {
  alterList,
  ConfigRequestError,
  validateBrokerConfig,
  validateClientMetricsConfig,
  validateGroupConfig,
} from '../config/alter.ts';
import type { Property } from '../config/define.ts';
import { ConfigError, valueText } from '../config/define.ts';
import { brokerProperty } from '../config/broker-properties.ts';
import { describeTopic } from '../config/describe.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { clientMetricsProperties, groupProperties } from '../config/tables/entities.ts';
import { topicProperties } from '../config/tables/topic.ts';
import { isTopicKey, validateTopicConfig } from '../config/topic.ts';
import { resourceType } from '../metadata/configs-image.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { ConfigRules } from './config-rules.ts';

export function tableRules(config: NodeConfig): ConfigRules {
  return {
    checkTopic: (values) => refusing(Errors.INVALID_CONFIG, () => validateTopicConfig(values, config)),
    checkBroker: (name, values) =>
      refusing(Errors.INVALID_REQUEST, () => validateBrokerConfig(values, name !== '')),
    checkOther: (type, _name, values) => {
      if (type === resourceType.group) {
        refusing(Errors.INVALID_CONFIG, () => validateGroupConfig(values, config));
      } else {
        refusing(Errors.INVALID_CONFIG, () => validateClientMetricsConfig(values));
      }
    },
    alterList: (type, key, current, operation, text) =>
      refusing(Errors.INVALID_CONFIG, () =>
        alterList(
          key,
          type === resourceType.clientMetrics ? null : propertyOf(type, key),
          current,
          operation,
          text,
        ),
      ),
    defaultOf: (type, key) => {
      const property = propertyOf(type, key);
      return (property === null ? null : valueText(property, property.default ?? null)) ?? '';
    },
    effectiveTopic: (values) =>
      describeTopic(values, config, null).map((entry) => ({
        name: entry.name,
        value: entry.value,
        readOnly: entry.readOnly,
        configSource: entry.source,
        isSensitive: entry.isSensitive,
      })),
  };
}

function propertyOf(type: number, key: string): Property | null {
  if (type === resourceType.topic) return isTopicKey(key) ? (topicProperties[key] as Property) : null;
  if (type === resourceType.broker) return brokerProperty(key);
  const table = (type === resourceType.group ? groupProperties : clientMetricsProperties) as Record<
    string,
    Property
  >;
  return Object.hasOwn(table, key) ? (table[key] as Property) : null;
}

function refusing<T>(row: ErrorRow, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof ConfigRequestError) throw new KafkaError(Errors.INVALID_REQUEST, error.message);
    if (error instanceof ConfigError) throw new KafkaError(row, error.message);
    throw error;
  }
}
