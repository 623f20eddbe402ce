/** Exports of `bendemann/simulation`: simulated clusters and their machines, for users' own tests. */
export { Scenario, simulate, type TopicOptions } from './scenario.ts';
export { SimulatedCluster, type SimulatedClusterOptions, type SimulatedNode } from './simulated-cluster.ts';
export type { SimulatedRole } from './node-properties.ts';
export { clusterWorld } from './cluster/world.ts';
export { raftWorld } from '../simulation/raft/world.ts';
export {
  type FaultRecord,
  hunt,
  type Hunt,
  shrink,
  type SimulationOptions,
  type SimulationResult,
  type SimulationViolation,
  type SimulationWorld,
} from '../simulation/run.ts';
export { type Owner, World } from '../simulation/world.ts';
export { Incarnation, SimulatedHost } from '../simulation/host.ts';
export { SimulatedNetwork } from '../simulation/network.ts';
export {
  type DiskFault,
  type DiskOperation,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from '../simulation/disk.ts';
export { type DiskDelays, diskDelays, slowDisk } from '../simulation/slow-disk.ts';
export { SeededRandom } from '../simulation/random.ts';
export { inMacrotask } from '../simulation/macrotask.ts';
export { outsideTraps, TrapError, withTraps } from '../simulation/traps.ts';
export { type ConsumedRecord, Fetcher } from '../client/fetcher.ts';
export { GroupConsumer } from '../client/group-consumer.ts';
export { KafkaClient } from '../client/kafka-client.ts';
export { Producer, type ProducerRecord, type RecordMetadata } from '../client/producer.ts';
