/** Exports of `bendemann/testing`. */
export { startKafka } from './start-kafka.ts';
export type { TestKafka } from './cluster.ts';
export type { ClusterWaits, GroupWait, LeaderWait, UntilOptions } from './cluster-waits.ts';
export type { ControlFunction, ControlOutcome } from './controls.ts';
export type { FaultEffect, FaultFilter, FaultOptions } from './fault-options.ts';
export type { Fault } from './faults.ts';
export { type ControlOptions, type ControlServer, serveControl } from './control/control-server.ts';
export type { DiskFaults } from './node-disk.ts';
export type { LogOption } from './node-log.ts';
export type { SecurityOptions, StartKafkaOptions, TestRecord, TestTopic } from './options.ts';
export type { ReadOptions } from './read-options.ts';
export type { RequestFilter, RequestLog } from './request-log.ts';
export type { LoggedRequest } from './request-ring.ts';
export { Snapshot } from './snapshot.ts';
export type { ReadRecord } from './test-client.ts';
export type { TestNetwork } from './test-network.ts';
export type { NodeState, TestNode } from './test-node.ts';
export { type WaitOptions, WaitTimeoutError } from './waits.ts';
