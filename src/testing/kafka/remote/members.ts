/**
 * The members of the cluster's objects that a test can use from another thread, one row each. A public member without a row
 * does not compile.
 */
import type { ClusterWaits } from '../cluster-waits.ts';
import type { TestKafka } from '../cluster.ts';
import type { Fault } from '../faults.ts';
import type { DiskFaults } from '../node-disk.ts';
import type { RequestLog } from '../request-log.ts';
import type { Snapshot } from '../snapshot.ts';
import type { TestNetwork } from '../test-network.ts';
import type { TestNode } from '../test-node.ts';

/**
 * How a member is used. `get`: a property; `call`: a synchronous method; both block the caller until the response is there.
 * `ask`: a method that returns a promise. `inside`: not usable from outside the cluster's thread.
 */
export type How = 'get' | 'call' | 'ask' | 'inside';

export interface Members {
  readonly [name: string]: How | Members;
}

/**
 * The table for a class: for each member one of the ways of use that its type allows. `'inside'`: the test cannot use the
 * member.
 */
type MembersOf<T> = {
  readonly [K in keyof T & string]: T[K] extends (...args: never[]) => infer R
    ? (R extends Promise<unknown> ? 'ask' : 'call') | 'inside'
    : 'get' | 'inside' | MembersOf<T[K]>;
};

const requests: MembersOf<RequestLog> = {
  of: 'call',
  count: 'call',
  clear: 'call',
  toString: 'call',
  note: 'inside',
  answered: 'inside',
};

const network: MembersOf<TestNetwork> = {
  cut: 'call',
  cutOneWay: 'call',
  latency: 'call',
  heal: 'call',
  disconnectClients: 'call',
};

const wait: MembersOf<ClusterWaits> = {
  group: 'ask',
  inSync: 'ask',
  leader: 'ask',
  offsets: 'ask',
  until: 'ask',
};

const kafka: MembersOf<TestKafka> = {
  clusterId: 'get',
  requests,
  network,
  wait,
  clock: { now: 'call', advance: 'ask', set: 'ask' },
  brokers: 'get',
  bootstrapServers: 'get',
  nodes: 'get',
  node: 'call',
  disk: 'call',
  leader: 'ask',
  moveLeader: 'ask',
  controller: 'ask',
  coordinator: 'ask',
  fault: 'call',
  on: 'call',
  createTopic: 'ask',
  produce: 'ask',
  read: 'ask',
  offsets: 'ask',
  committed: 'ask',
  snapshot: 'ask',
  restore: 'ask',
  reset: 'ask',
  close: 'ask',
  fork: 'ask',
  save: 'ask',
  open: 'inside',
};

const node: MembersOf<TestNode> = {
  id: 'get',
  diskFaults: 'get',
  failure: 'get',
  state: 'get',
  log: 'get',
  image: 'inside',
  handlers: 'inside',
  leadingEpoch: 'get',
  start: 'ask',
  kill: 'ask',
  stop: 'ask',
  restart: 'ask',
  pause: 'call',
  resume: 'call',
};

const fault: MembersOf<Fault> = {
  options: 'get',
  apis: 'inside',
  requests: 'get',
  hits: 'get',
  isOver: 'get',
  wait: 'ask',
  remove: 'call',
  apply: 'inside',
};

const disk: MembersOf<DiskFaults> = {
  full: 'call',
  fail: 'call',
  slow: 'call',
  mend: 'call',
  delay: 'inside',
  failureOf: 'inside',
  metadataFailureOf: 'inside',
};

const snapshot: MembersOf<Snapshot> = { clusterId: 'get', nodes: 'get', wallMs: 'get', save: 'ask' };

/** The classes whose objects stay in the cluster's thread; the test gets stand-ins with these members. */
export const kinds = { kafka, node, fault, disk, snapshot } as const;

export type KindName = keyof typeof kinds;
