/**
 * Collects the changes that records make to the registrations of brokers and controllers, and applies them to a `ClusterImage`.
 */
import { defined } from '../base/assert.ts';
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import { nodeId } from '../base/ids.ts';
import type { BrokerImage, ClusterImage, ControllerImage, FeatureRange } from './cluster-image.ts';
import { MapDelta } from './map-delta.ts';
import type { RecordOf } from './records.ts';

export class ClusterDelta {
  readonly #base: ClusterImage;
  readonly #brokers: MapDelta<NodeId, BrokerImage>;
  readonly #controllers: MapDelta<NodeId, ControllerImage>;

  constructor(base: ClusterImage) {
    this.#base = base;
    this.#brokers = new MapDelta(base.brokers);
    this.#controllers = new MapDelta(base.controllers);
  }

  changedBrokers(): Set<NodeId> {
    return new Set(this.#brokers.changes.keys());
  }

  replayRegister(record: RecordOf<'RegisterBrokerRecord'>): void {
    const id = nodeId(record.brokerId);
    this.#brokers.set(id, {
      id,
      epoch: record.brokerEpoch as BrokerEpoch,
      incarnationId: record.incarnationId,
      endpoints: record.endPoints,
      features: ranges(record.features),
      rack: record.rack,
      fenced: record.fenced,
      inControlledShutdown: record.inControlledShutdown,
      logDirs: record.logDirs,
      cordonedLogDirs: record.cordonedLogDirs ?? [],
    });
  }

  replayUnregister(record: RecordOf<'UnregisterBrokerRecord'>): void {
    this.#brokers.remove(this.#broker(record.brokerId).id);
  }

  replayFenced(id: number, fenced: boolean): void {
    const broker = this.#broker(id);
    this.#brokers.set(broker.id, { ...broker, fenced });
  }

  replayChange(record: RecordOf<'BrokerRegistrationChangeRecord'>): void {
    const broker = this.#broker(record.brokerId);
    this.#brokers.set(broker.id, {
      ...broker,
      fenced: record.fenced === 0 ? broker.fenced : record.fenced > 0,
      inControlledShutdown: broker.inControlledShutdown || record.inControlledShutdown > 0,
      logDirs: record.logDirs.length === 0 ? broker.logDirs : record.logDirs,
      cordonedLogDirs: record.cordonedLogDirs ?? broker.cordonedLogDirs,
    });
  }

  replayController(record: RecordOf<'RegisterControllerRecord'>): void {
    const id = nodeId(record.controllerId);
    this.#controllers.set(id, {
      id,
      incarnationId: record.incarnationId,
      endpoints: record.endPoints,
      features: ranges(record.features),
    });
  }

  apply(): ClusterImage {
    if (this.#brokers.changes.size + this.#controllers.changes.size === 0) return this.#base;
    return {
      brokers: applied(this.#base.brokers, this.#brokers),
      controllers: applied(this.#base.controllers, this.#controllers),
    };
  }

  #broker(id: number): BrokerImage {
    return defined(this.#brokers.get(nodeId(id)), `broker ${id}`);
  }
}

function ranges(
  features: readonly { name: string; minSupportedVersion: number; maxSupportedVersion: number }[],
): ReadonlyMap<string, FeatureRange> {
  return new Map(features.map((f) => [f.name, { min: f.minSupportedVersion, max: f.maxSupportedVersion }]));
}

/** Returns the map after the changes, ordered by node id. It is copied as a whole, because there are few nodes. */
function applied<V>(base: ReadonlyMap<NodeId, V>, delta: MapDelta<NodeId, V>): ReadonlyMap<NodeId, V> {
  if (delta.changes.size === 0) return base;
  const next = new Map(base);
  for (const [id, value] of delta.changes) {
    if (value === null) next.delete(id);
    else next.set(id, value);
  }
  return new Map([...next].sort((a, b) => a[0] - b[0]));
}
