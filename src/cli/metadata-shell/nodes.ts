/**
 * The tree that kafka-metadata-shell shows: the metadata image as directories and files. Children of a directory are made when
 * they are needed.
 */
import { metadataVersionFeature, metadataVersionOf } from '../../metadata/feature-versions.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { ClientQuotaImage } from '../../metadata/security-image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';
import { kafkaVersion } from '../version.ts';
import { doubleText } from '../text/java-double.ts';
import { aclText, brokerText, controllerText, partitionText, scramText, tokenText } from './texts.ts';

export type ShellNode = Directory | File;

export interface Directory {
  readonly kind: 'directory';
  names(): Iterable<string>;
  child(name: string): ShellNode | null;
}

export interface File {
  readonly kind: 'file';
  readonly text: string;
}

/** An image, and where it comes from. */
export interface Provenance {
  readonly image: MetadataImage;
  /**
   * The time of the last batch, in milliseconds since 1970. Null when it is not known: a snapshot of ours stores no times.
   */
  readonly lastTimestampMs: number | null;
}

function file(text: string): File {
  return { kind: 'file', text };
}

function directory(children: Readonly<Record<string, () => ShellNode>>): Directory {
  return mapped(Object.keys(children), (name) =>
    Object.hasOwn(children, name) ? (children[name] as () => ShellNode)() : null,
  );
}

function mapped(names: Iterable<string>, child: (name: string) => ShellNode | null): Directory {
  return { kind: 'directory', names: () => names, child };
}

function entries<T>(map: ReadonlyMap<string, T>, node: (value: T) => ShellNode): Directory {
  return mapped([...map.keys()], (name) => {
    const value = map.get(name);
    return value === undefined ? null : node(value);
  });
}

function byKey<T>(values: Iterable<T>, key: (value: T) => string): Map<string, T> {
  return new Map([...values].map((value) => [key(value), value]));
}

/** Returns the root with its two directories, `/image` and `/local`. */
export function rootNode({ image, lastTimestampMs }: Provenance): Directory {
  return directory({
    image: () => imageNode(image, lastTimestampMs),
    local: () => directory({ commitId: () => file('unknown'), version: () => file(kafkaVersion) }),
  });
}

function imageNode(image: MetadataImage, lastTimestampMs: number | null): Directory {
  const { cluster, topics, configs, security, producerIds } = image;
  return directory({
    acls: () => directory({ byId: () => entries(new Map(security.acls), (acl) => file(aclText(acl))) }),
    clientQuotas: () =>
      entries(
        byKey(
          [...security.clientQuotas].map(([, quota]) => quota),
          quotaName,
        ),
        ({ values }) => entries(values, (value) => file(doubleText(value))),
      ),
    cluster: () =>
      directory({
        brokers: () =>
          entries(
            byKey(cluster.brokers.values(), ({ id }) => String(id)),
            (one) => file(brokerText(one)),
          ),
        controllers: () =>
          entries(
            byKey(cluster.controllers.values(), ({ id }) => String(id)),
            (one) => file(controllerText(one)),
          ),
      }),
    configs: () =>
      entries(
        byKey(configs.all(), ({ type, name }) => resourceName(type, name)),
        ({ values }) => entries(values, file),
      ),
    delegationToken: () => entries(new Map(security.delegationTokens), (token) => file(tokenText(token))),
    features: () => featuresNode(image.features.levels),
    producerIds: () =>
      // As in Kafka, -1 while no block of producer ids was allocated.
      directory({ nextProducerId: () => file(String(producerIds.nextId > 0 ? producerIds.nextId : -1)) }),
    provenance: () => file(provenanceText(image, lastTimestampMs)),
    scram: () => scramNode(image),
    topics: () =>
      directory({
        byId: () =>
          entries(
            byKey(topics.all(), ({ id }) => id),
            topicNode,
          ),
        byName: () =>
          entries(
            byKey(topics.all(), ({ name }) => name),
            topicNode,
          ),
      }),
  });
}

function topicNode(topic: TopicImage): Directory {
  const partitions = topic.partitions.map(
    (partition) => [String(partition.index), () => file(partitionText(partition))] as const,
  );
  return directory({
    name: () => file(topic.name),
    id: () => file(topic.id),
    ...Object.fromEntries(partitions),
  });
}

function featuresNode(levels: ReadonlyMap<string, number>): Directory {
  const metadataLevel = levels.get(metadataVersionFeature);
  const name = metadataLevel === undefined ? null : metadataVersionOf(metadataLevel)?.name;
  const metadataVersion = name === null ? 'Optional.empty' : `Optional[${name ?? metadataLevel}]`;
  const finalized = [...levels]
    .filter(([feature]) => feature !== metadataVersionFeature)
    .map(([feature, level]) => [`finalized_${feature}`, () => file(String(level))] as const);
  return directory({ metadataVersion: () => file(metadataVersion), ...Object.fromEntries(finalized) });
}

const mechanisms = new Map([
  ['SCRAM-SHA-256', 1],
  ['SCRAM-SHA-512', 2],
]);

function scramNode({ security }: MetadataImage): Directory {
  return entries(mechanisms, (mechanism) => {
    const users = [...security.scram].map(([, user]) => user).filter((user) => user.mechanism === mechanism);
    return entries(
      byKey(users, ({ name }) => name),
      (user) => file(scramText(user)),
    );
  });
}

const resourceTypes: Readonly<Record<number, string>> = {
  2: 'TOPIC',
  4: 'BROKER',
  8: 'BROKER_LOGGER',
  16: 'CLIENT_METRICS',
  32: 'GROUP',
};

function resourceName(type: number, name: string): string {
  const shown = resourceTypes[type] ?? 'UNKNOWN';
  return name === '' ? shown : `${shown}:${name}`;
}

const quotaParts = [
  ['client-id', 'clientId'],
  ['ip', 'ip'],
  ['user', 'user'],
] as const;

/**
 * Returns the name of a quota entity, for example `clientId(c)_user(u)`. For a default entity the brackets are empty. Kafka's
 * shell leaves a default entity out, and then fails on the name that remains.
 */
export function quotaName({ entity }: Pick<ClientQuotaImage, 'entity'>): string {
  return quotaParts
    .flatMap(([type, shown]) =>
      entity
        .filter(({ entityType }) => entityType === type)
        .map(({ entityName }) => `${shown}(${(entityName ?? '').replace(/[\\()]/g, '\\$&')})`),
    )
    .join('_');
}

function provenanceText({ offset, epoch }: MetadataImage, lastTimestampMs: number | null): string {
  const time = lastTimestampMs === null ? 'unknown' : `${javaTime(lastTimestampMs)}[UTC]`;
  return `offset ${offset}, epoch ${epoch}, time ${time}`;
}

/** Returns a time in ISO 8601, without zeros at the end of the fraction. */
function javaTime(timestampMs: number): string {
  return new Date(timestampMs).toISOString().replace(/\.?0*Z$/, 'Z');
}
