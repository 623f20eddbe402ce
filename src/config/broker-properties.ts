/** All properties of a broker: those of the properties file, and the few that can only be set as dynamic configurations. */
import type { Property, ValuesOf } from './define.ts';
import { long } from './define.ts';
import { coordinatorsProperties } from './tables/coordinators.ts';
import { logProperties } from './tables/log.ts';
import { nodeProperties } from './tables/node.ts';
import { operationsProperties } from './tables/operations.ts';
import { ownProperties } from './tables/own.ts';
import { securityProperties } from './tables/security.ts';
import { shareAndStreamsProperties } from './tables/share-and-streams.ts';
import { tieredStorageProperties } from './tables/tiered-storage.ts';
import { topicsProperties } from './tables/topics.ts';

export const brokerProperties = {
  ...nodeProperties,
  ...topicsProperties,
  ...logProperties,
  ...coordinatorsProperties,
  ...securityProperties,
  ...operationsProperties,
  ...shareAndStreamsProperties,
  ...tieredStorageProperties,
  ...ownProperties,
};

export type BrokerValues = ValuesOf<typeof brokerProperties>;
export type BrokerKey = keyof BrokerValues;

/**
 * Properties without effect in a properties file. They are set with kafka-configs, for one broker or, although their mode is
 * `per-broker`, for all.
 */
export const dynamicOnlyProperties = {
  'leader.replication.throttled.rate': long(Number.MAX_SAFE_INTEGER, {
    min: 0,
    update: 'per-broker',
    effect: 'honoured',
    doc: 'Bytes a second that this broker sends for throttled replicas (leader.replication.throttled.replicas of topics).',
  }),
  'follower.replication.throttled.rate': long(Number.MAX_SAFE_INTEGER, {
    min: 0,
    update: 'per-broker',
    effect: 'honoured',
    doc: 'Bytes a second that this broker fetches for throttled replicas (follower.replication.throttled.replicas of topics).',
  }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(Number.MAX_SAFE_INTEGER, {
    min: 0,
    update: 'per-broker',
    effect: 'honoured',
    doc: 'Bytes a second for moves of replicas between log directories of this broker.',
  }),
};

export type RateKey = keyof typeof dynamicOnlyProperties;

/**
 * Keys that Kafka accepts in a properties file although they are not in its property tables, because the authorizer reads them.
 * There is none here, so a start warns about them.
 */
export const extraKeys: readonly string[] = ['super.users', 'allow.everyone.if.no.acl.found'];

/** Prefixes of keys that a listener, a provider or a plug-in reads. Such keys cause no warning about an unknown name. */
export const extraPrefixes: readonly string[] = [
  'listener.name.',
  'config.providers.',
  'rsm.config.',
  'rlmm.config.',
];

export function isBrokerKey(name: string): name is BrokerKey {
  return Object.hasOwn(brokerProperties, name);
}

/** Returns the row of a broker key, also when it has the prefix of a listener; null for an unknown name. */
export function brokerProperty(name: string): Property | null {
  if (isBrokerKey(name)) return brokerProperties[name];
  if (Object.hasOwn(dynamicOnlyProperties, name))
    return dynamicOnlyProperties[name as keyof typeof dynamicOnlyProperties];
  const base = /^listener\.name\.[^.]*\.(.+)$/.exec(name)?.[1];
  if (base === undefined) return null;
  if (isBrokerKey(base)) return brokerProperties[base];
  // `base` may still begin with a mechanism: listener.name.<listener>.<mechanism>.sasl.jaas.config
  const withoutMechanism = base.slice(base.indexOf('.') + 1);
  return isBrokerKey(withoutMechanism) ? brokerProperties[withoutMechanism] : null;
}

/**
 * Returns the keys that DescribeConfigs lists as synonyms of `name`, the one that takes precedence first: keys of the same
 * setting, for example `log.roll.ms` and `log.roll.hours`. Of keys that differ in their unit, only the one with the finest unit
 * can be altered at run time.
 */
export function brokerSynonyms(name: string): readonly string[] {
  switch (name) {
    case 'log.roll.ms':
    case 'log.roll.hours':
      return ['log.roll.ms', 'log.roll.hours'];
    case 'log.roll.jitter.ms':
    case 'log.roll.jitter.hours':
      return ['log.roll.jitter.ms', 'log.roll.jitter.hours'];
    case 'log.flush.interval.ms':
      return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'];
    case 'log.retention.ms':
    case 'log.retention.minutes':
    case 'log.retention.hours':
      return ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'];
    default: {
      // `listener.name.x.ssl.keystore.location` takes precedence over `ssl.keystore.location`, which is for all listeners.
      const own = /^listener\.name\.[^.]*\.(.+)$/.exec(name);
      return own?.[1] === undefined ? [name] : [name, own[1]];
    }
  }
}
