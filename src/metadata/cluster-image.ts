/**
 * Registered brokers and controllers. A broker is active when it is neither fenced nor in controlled shutdown: only an active
 * broker may lead or join an ISR. Maps are ordered by node id.
 */
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';

export interface EndpointImage {
  /** Name of the listener. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Kafka's code: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface FeatureRange {
  readonly min: number;
  readonly max: number;
}

export interface BrokerImage {
  readonly id: NodeId;
  /** Invariant: increases with every registration of this id. */
  readonly epoch: BrokerEpoch;
  /** Random for each process start. */
  readonly incarnationId: Uuid;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Ids of the online log directories. */
  readonly logDirs: readonly Uuid[];
  /** Directories that get no new replicas. */
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

/** Whether the broker may lead partitions and be in ISRs. */
export function isActive(broker: BrokerImage | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}
