/**
 * Registered brokers and controllers. A broker is _active_ when it is neither fenced nor in controlled shutdown. Only active
 * brokers may lead partitions or join an ISR. The maps are ordered by node id.
 */
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';

export interface EndpointImage {
  /** Name of the listener. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Kafka's code of the security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface FeatureRange {
  readonly min: number;
  readonly max: number;
}

export interface BrokerImage {
  readonly id: NodeId;
  /** The broker epoch. Invariant: it increases with every incarnation of the broker that registers. */
  readonly epoch: BrokerEpoch;
  /** A random id that the broker's process chose at its start. */
  readonly incarnationId: Uuid;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Ids of the online log directories. */
  readonly logDirs: readonly Uuid[];
  /** Ids of the log directories that get no new replicas. */
  readonly cordonedLogDirs: readonly Uuid[];
}

export interface ControllerImage {
  readonly id: NodeId;
  readonly incarnationId: Uuid;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
}

export interface ClusterImage {
  readonly brokers: ReadonlyMap<NodeId, BrokerImage>;
  readonly controllers: ReadonlyMap<NodeId, ControllerImage>;
}

export const emptyClusterImage: ClusterImage = Object.freeze({ brokers: new Map(), controllers: new Map() });

/** Whether the broker may lead partitions and join ISRs. */
export function isActive(broker: BrokerImage | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}
