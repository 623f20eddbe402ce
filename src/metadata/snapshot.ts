/**
 * Snapshots: the records that build an image from the empty one, in an order in which they can be replayed. In bytes a snapshot
 * is a sequence of payloads (`records.ts`), each preceded by its length, so that a snapshot of any size can be written and read
 * piece by piece.
 */
import type { MetadataImage } from './image.ts';
import type { MetadataRecord } from './records.ts';
import { decodeRecords, encodeRecords, record } from './records.ts';
import type { PartitionImage } from './topics-image.ts';

/** The records that build `image`. Equal images give equal records. */
export function* imageToRecords(image: MetadataImage): Generator<MetadataRecord> {
  for (const [name, featureLevel] of [...image.features.levels].sort(byKey)) {
    yield record('FeatureLevelRecord', { name, featureLevel });
  }
  yield* clusterRecords(image);
  const topics = [...image.topics.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const topic of topics) {
    yield record('TopicRecord', { name: topic.name, topicId: topic.id });
    for (const partition of topic.partitions) yield partitionRecord(partition);
  }
  const configs = [...image.configs.all()].sort(
    (a, b) => a.type - b.type || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  for (const config of configs) {
    for (const [name, value] of [...config.values].sort(byKey)) {
      yield record('ConfigRecord', { resourceType: config.type, resourceName: config.name, name, value });
    }
  }
  yield* securityRecords(image);
  const { nextId, brokerId, brokerEpoch } = image.producerIds;
  if (nextId > 0) yield record('ProducerIdsRecord', { brokerId, brokerEpoch, nextProducerId: nextId });
}

export function partitionRecord(partition: PartitionImage): MetadataRecord {
  return record('PartitionRecord', {
    partitionId: partition.index,
    topicId: partition.topicId,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: partition.directories,
    eligibleLeaderReplicas: partition.elr.length === 0 ? null : partition.elr,
    lastKnownElr: partition.lastKnownElr.length === 0 ? null : partition.lastKnownElr,
    formerIsr: partition.formerIsr.length === 0 ? null : partition.formerIsr,
  });
}

/** A payload of a snapshot has at most this many records. */
const payloadRecordsMax = 1000;

/**
 * Encodes a snapshot, and yields it in pieces of at most a thousand records. Between two pieces the caller can yield to the
 * event loop.
 */
export function* encodeSnapshot(image: MetadataImage): Generator<Uint8Array> {
  let batch: MetadataRecord[] = [];
  for (const entry of imageToRecords(image)) {
    batch.push(entry);
    if (batch.length < payloadRecordsMax) continue;
    yield framed(encodeRecords(batch));
    batch = [];
  }
  if (batch.length > 0) yield framed(encodeRecords(batch));
}

export function snapshotBytes(image: MetadataImage): Uint8Array {
  return concatenated([...encodeSnapshot(image)]);
}

export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The payloads of a snapshot, each to be decoded with `decodeRecords`. */
export function* snapshotPayloads(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = view.getUint32(at);
    yield bytes.subarray(at + 4, at + 4 + sizeBytes);
    at += 4 + sizeBytes;
  }
}

export function* decodeSnapshot(bytes: Uint8Array): Generator<MetadataRecord> {
  for (const payload of snapshotPayloads(bytes)) yield* decodeRecords(payload);
}

function framed(payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + payload.length);
  new DataView(out.buffer).setUint32(0, payload.length);
  out.set(payload, 4);
  return out;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function* clusterRecords(image: MetadataImage): Generator<MetadataRecord> {
  for (const controller of image.cluster.controllers.values()) {
    yield record('RegisterControllerRecord', {
      controllerId: controller.id,
      incarnationId: controller.incarnationId,
      zkMigrationReady: false,
      endPoints: controller.endpoints,
      features: featureRows(controller.features),
    });
  }
  for (const broker of image.cluster.brokers.values()) {
    yield record('RegisterBrokerRecord', {
      brokerId: broker.id,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: broker.endpoints,
      features: featureRows(broker.features),
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: broker.logDirs,
      cordonedLogDirs: broker.cordonedLogDirs.length === 0 ? null : broker.cordonedLogDirs,
    });
  }
}

function featureRows(
  features: ReadonlyMap<string, { readonly min: number; readonly max: number }>,
): { name: string; minSupportedVersion: number; maxSupportedVersion: number }[] {
  return [...features].map(([name, range]) => ({
    name,
    minSupportedVersion: range.min,
    maxSupportedVersion: range.max,
  }));
}

function* securityRecords(image: MetadataImage): Generator<MetadataRecord> {
  const { acls, scram, delegationTokens, clientQuotas } = image.security;
  for (const [, acl] of [...acls].sort(byKey)) yield record('AccessControlEntryRecord', acl);
  for (const [, credential] of [...scram].sort(byKey)) yield record('UserScramCredentialRecord', credential);
  for (const [, token] of [...delegationTokens].sort(byKey)) yield record('DelegationTokenRecord', token);
  for (const [, quota] of [...clientQuotas].sort(byKey)) {
    for (const [key, value] of [...quota.values].sort(byKey)) {
      yield record('ClientQuotaRecord', { entity: quota.entity, key, value, remove: false });
    }
  }
}
