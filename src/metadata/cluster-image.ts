/**
 * Brokers and controllers as the metadata log knows them. A broker is in service when it is neither fenced nor leaving:
 * only such a broker may lead or join an ISR. Maps are ordered by node id.
 */
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';

export interface EndpointImage {
  /** Name of the listener. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface FeatureRange {
  readonly min: number;
  readonly max: number;
}

export interface BrokerImage {
  readonly id: NodeId;
  /** Invariant: grows with every registration of this id. */
  readonly epoch: BrokerEpoch;
  /** Random for each process start. */
  readonly incarnationId: Uuid;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Ids of the log directories that work. */
  readonly logDirs: readonly Uuid[];
  /** Directories that take no new replicas. */
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

/** May lead partitions and be in ISRs. */
export function isActive(broker: BrokerImage | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}
