/**
 * The state machine of the active controller: the table from API key to control function, the broker sessions, and the
 * speculative metadata image that they read. It is synchronous and has no timers and no I/O; the driver in `server/controller/`
 * calls it.
 *
 * Contract: an operation handles a request in steps, and each step yields metadata records. The driver runs every operation to
 * its end. After each step it calls `replay` with the step's records, in the order in which it proposes them to the quorum.
 * When a proposal fails, the driver discards this object.
 */
import type { NodeId } from '../base/ids.ts';
import { MetadataDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import type { Infer } from '../protocol/schema/fields.ts';
import { alterClientQuotas } from './client-quotas.ts';
import { alterPartition } from './alter-partition.ts';
import { alterConfigs, incrementalAlterConfigs } from './alter-configs.ts';
import { BrokerSessions } from './broker-sessions.ts';
import { createPartitions } from './create-partitions.ts';
import { createTopics } from './create-topics.ts';
import { deleteTopics } from './delete-topics.ts';
import { electLeaders } from './elect-leaders.ts';
import { bootstrapRecords, updateFeatures } from './features.ts';
import { fence, heartbeat } from './broker-heartbeat.ts';
import { electLeaderless, electPreferred, evacuate } from './leader-moves.ts';
import { alterPartitionReassignments, listPartitionReassignments } from './reassign-partitions.ts';
import { registerBroker, registerController, unregisterBroker } from './registration.ts';
import type { ControllerRequests } from './requests.ts';
import { alterUserScramCredentials, createAcls, deleteAcls } from './security.ts';
import { assignReplicasToDirs } from './assign-directories.ts';
import { allocateProducerIds } from './producer-ids.ts';
import type { ControllerState, Operation, PartitionMutations } from './state.ts';
import { single } from './state.ts';

export interface ControllerContext {
  readonly apiVersion: number;
  /** Monotonic time at which the request is handled. */
  readonly nowMs: number;
  /** The client's quota on created and deleted partitions. */
  readonly mutations: PartitionMutations;
}

type Handlers = {
  readonly [Key in keyof ControllerRequests]: (
    request: Infer<ControllerRequests[Key]['request']>,
    context: ControllerContext,
  ) => Operation<Infer<ControllerRequests[Key]['response']>>;
};

export class ActiveController {
  readonly #state: ControllerState;
  readonly #sessions: BrokerSessions;
  readonly #handlers: Handlers;
  #nextRebalanceMs: number | null;

  constructor(state: ControllerState, nowMs: number) {
    this.#state = state;
    this.#sessions = new BrokerSessions(state.settings.sessionTimeoutMs, state.image, nowMs);
    this.#handlers = handlersOf(state, this.#sessions);
    const interval = state.settings.leaderRebalanceIntervalMs;
    this.#nextRebalanceMs = interval === null ? null : nowMs + interval;
  }

  /** The speculative image: committed metadata plus all records that are proposed and not yet committed. */
  get image(): MetadataImage {
    return this.#state.image;
  }

  setNextOffset(offset: number): void {
    this.#state.nextOffset = offset;
  }

  /** Applies records to the speculative image. Nothing else changes the content of the image. */
  replay(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    const { image } = this.#state;
    const delta = new MetadataDelta(image);
    delta.replayAll(records);
    this.#state.image = delta.apply(image.offset, image.epoch);
  }

  /**
   * Replaces the speculative image by the equal committed one. No proposal is in flight then, and one image needs less memory
   * than two with the same content.
   */
  shareImage(image: MetadataImage): void {
    this.#state.image = image;
  }

  /**
   * Returns the operation that handles a request; undefined when the active controller does not handle this API. When
   * the operation throws a `KafkaError`, the whole request is refused with its error code.
   */
  handle(apiKey: number, request: unknown, context: ControllerContext): Operation<unknown> | undefined {
    const handlers = this.#handlers as Readonly<
      Record<number, (request: unknown, context: ControllerContext) => Operation<unknown>>
    >;
    return handlers[apiKey]?.(request, context);
  }

  /** Yields the first records of a new cluster; nothing when the cluster has feature levels already. */
  *bootstrap(formatted: readonly MetadataRecord[]): Operation<void> {
    if (this.#state.image.features.levels.size > 0) return;
    const records = bootstrapRecords(this.#state, formatted);
    if (records.length > 0) yield records;
  }

  /** Completes the work that an earlier active controller may have left unfinished. */
  *takeOver(): Operation<void> {
    yield* evacuate(this.#state, this.#sessions);
    yield* electLeaderless(this.#state);
  }

  /** Yields a NoOpRecord (KIP-835). Its commit shows observers that the quorum still commits although no metadata changes. */
  *idle(): Operation<void> {
    yield [{ type: 'NoOpRecord' }];
  }

  /**
   * Does what is due at `nowMs`: fences brokers with an expired session; and at the interval of
   * leader.imbalance.check.interval.seconds elects leaders for leaderless partitions and moves leaderships back to preferred
   * replicas.
   */
  *tick(nowMs: number): Operation<void> {
    for (const id of this.#sessions.expired(nowMs)) {
      const broker = this.#state.image.cluster.brokers.get(id);
      if (broker === undefined || broker.fenced) this.#sessions.end(id);
      else yield* fence(this.#state, broker, this.#sessions);
    }
    if (this.#nextRebalanceMs === null || nowMs < this.#nextRebalanceMs) return;
    this.#nextRebalanceMs = nowMs + (this.#state.settings.leaderRebalanceIntervalMs ?? 0);
    yield* electLeaderless(this.#state);
    yield* electPreferred(this.#state);
  }

  /** The monotonic time at which `tick` has something to do next; null when there is nothing. */
  nextTickMs(): number | null {
    const expiry = this.#sessions.nextExpiryMs();
    if (expiry === null || this.#nextRebalanceMs === null) return expiry ?? this.#nextRebalanceMs;
    return Math.min(expiry, this.#nextRebalanceMs);
  }

  /** The stream of a broker to this controller ended. That alone does not fence the broker. */
  brokerStreamBroken(id: NodeId): void {
    this.#sessions.streamBroken(id);
  }

  /**
   * A broker's stream broke and its address accepts no connection, so its process counts as ended. The next `tick` fences the
   * broker, unless the broker has connected again before.
   */
  brokerProcessEnded(id: NodeId): void {
    this.#sessions.processEnded(id);
  }

  isConnected(id: NodeId): boolean {
    return this.#sessions.isConnected(id);
  }

  /** This process was paused for `ms` and could not receive heartbeats: extends all sessions by that time. */
  extendSessions(ms: number): void {
    this.#sessions.extendAll(ms);
  }
}

function handlersOf(state: ControllerState, sessions: BrokerSessions): Handlers {
  return {
    19: (request, { mutations }) => createTopics(state, request, mutations),
    20: (request, { mutations }) => deleteTopics(state, request, mutations),
    30: (request) => single(createAcls(state, request)),
    31: (request) => single(deleteAcls(state, request)),
    33: (request) => thenElect(state, alterConfigs(state, request)),
    37: (request, { mutations }) => createPartitions(state, request, mutations),
    43: (request) => electLeaders(state, request),
    44: (request) => thenElect(state, incrementalAlterConfigs(state, request)),
    45: (request) => alterPartitionReassignments(state, request),
    46: (request) => single({ records: [], response: listPartitionReassignments(state, request) }),
    49: (request) => single(alterClientQuotas(state, request)),
    51: (request) => single(alterUserScramCredentials(state, request)),
    56: (request, context) => alterPartition(state, request, context.apiVersion),
    57: (request, context) => single(updateFeatures(state, request, context.apiVersion)),
    62: (request, context) => registerBroker(state, request, sessions, context.nowMs),
    63: (request, context) => heartbeat(state, request, sessions, context.nowMs),
    64: (request) => unregisterBroker(state, request, sessions),
    67: (request) => single(allocateProducerIds(state, request)),
    70: (request) => single(registerController(state, request)),
    73: (request) => assignReplicasToDirs(state, request),
  };
}

/**
 * Runs a change of configuration. If it sets unclean.leader.election.enable, elects leaders for leaderless partitions
 * afterwards, because unclean elections may now be allowed.
 */
function* thenElect<R>(state: ControllerState, operation: Operation<R>): Operation<R> {
  let allows = false;
  let step = operation.next();
  for (; step.done !== true; step = operation.next()) {
    allows ||= step.value.some(
      (entry) => entry.type === 'ConfigRecord' && entry.name === 'unclean.leader.election.enable',
    );
    yield step.value;
  }
  if (allows) yield* electLeaderless(state);
  return step.value;
}
