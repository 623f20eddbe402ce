/** The properties of a container that is not configured: one combined node, as in the image apache/kafka. */
import type { Draft } from './draft.ts';

export const packagedDefaults: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': '1@localhost:9093',
  listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
  'inter.broker.listener.name': 'PLAINTEXT',
  'advertised.listeners': 'PLAINTEXT://localhost:9092',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map':
    'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
  'num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
};

/** Settings of the internal topics, such as replication factors, that a cluster of one node needs. */
const oneNodeKeys = Object.keys(packagedDefaults).filter((key) =>
  /^(offsets\.topic|transaction\.state)/.test(key),
);

export const packagedOrigin = 'packaged default';

export function addPackagedDefaults(draft: Draft): void {
  for (const [key, value] of Object.entries(packagedDefaults)) draft.setDefault(key, value, packagedOrigin);
}

/** Sets the keys of `oneNodeKeys` that are not set already. */
export function addOneNodeDefaults(draft: Draft): void {
  for (const key of oneNodeKeys) draft.setDefault(key, packagedDefaults[key] as string, 'one node');
}
