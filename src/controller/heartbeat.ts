/**
 * BrokerHeartbeat: a broker reports the offset of its metadata and the state that it wants. The controller unfences it,
 * fences it, or leads it through a controlled shutdown: its leaderships move first, and it may stop when it leads
 * nothing and has the metadata that says so.
 */
import { mark } from '../base/mark.ts';
import { nodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { BrokerImage } from '../metadata/cluster-image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type {
  BrokerHeartbeatRequest,
  BrokerHeartbeatResponse,
} from '../protocol/messages/brokers/63-broker-heartbeat.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { BrokerSessions } from './broker-sessions.ts';
import { electLeaderless, evacuate, evacuateDirectories } from './leader-moves.ts';
import { leadsAny } from './lookups.ts';
import type { ControllerState, Operation } from './state.ts';

/** Throws STALE_BROKER_EPOCH. */
export function* heartbeat(
  state: ControllerState,
  request: BrokerHeartbeatRequest,
  sessions: BrokerSessions,
  nowMs: number,
): Operation<BrokerHeartbeatResponse> {
  const id = nodeId(request.brokerId);
  const broker = checkBrokerEpoch(state, request.brokerId, request.brokerEpoch);
  sessions.renew(id, broker.epoch, nowMs);
  yield* directoriesLost(state, broker, request.offlineLogDirs);
  yield* directoriesCordoned(state, broker, request.cordonedLogDirs);
  const isCaughtUp = request.currentMetadataOffset >= broker.epoch;
  const reply = (shouldShutDown: boolean): BrokerHeartbeatResponse => {
    const now = state.image.cluster.brokers.get(id);
    return { throttleTimeMs: 0, errorCode: 0, isCaughtUp, isFenced: now?.fenced ?? true, shouldShutDown };
  };
  if (broker.fenced) {
    if (request.wantShutDown) {
      mark('controller.fenced-broker-leaves');
      return reply(true);
    }
    if (request.wantFence || !isCaughtUp) return reply(false);
    yield [registrationChange(broker, { fenced: -1 })];
    yield* electLeaderless(state);
    return reply(false);
  }
  if (request.wantFence && !request.wantShutDown) {
    yield* fence(state, broker, sessions);
    return reply(false);
  }
  if (!request.wantShutDown) return reply(false);
  yield* leave(state, broker, sessions);
  const left = sessions.shutdownOffset(id);
  if (left === null || request.currentMetadataOffset < left) return reply(false);
  yield* fence(state, broker, sessions);
  return reply(true);
}

/** The registration of broker `id`. Throws STALE_BROKER_EPOCH when the request has another broker epoch. */
export function checkBrokerEpoch(state: ControllerState, id: number, epoch: number): BrokerImage {
  const broker = state.image.cluster.brokers.get(nodeId(id));
  if (broker === undefined) {
    throw new KafkaError(Errors.STALE_BROKER_EPOCH, `No broker registration found for broker id ${id}`);
  }
  if (broker.epoch === epoch) return broker;
  throw new KafkaError(
    Errors.STALE_BROKER_EPOCH,
    `Expected broker epoch ${broker.epoch}, but got broker epoch ${epoch}`,
  );
}

/** Fences a broker and removes it from leaderships and ISRs. */
export function* fence(
  state: ControllerState,
  broker: BrokerImage,
  sessions: BrokerSessions,
): Operation<void> {
  sessions.end(broker.id);
  yield [registrationChange(broker, { fenced: 1 })];
  yield* evacuate(state);
}

/** The first steps of a controlled shutdown: the broker gets no new leadership, and the leaderships that it has move. */
function* leave(state: ControllerState, broker: BrokerImage, sessions: BrokerSessions): Operation<void> {
  // The broker is in controlled shutdown already: its leaderships have moved.
  if (sessions.shutdownOffset(broker.id) !== null) return;
  const firstOffset = state.nextOffset;
  const isNews = !broker.inControlledShutdown;
  if (isNews) yield [registrationChange(broker, { inControlledShutdown: 1 })];
  const moved = (yield* evacuate(state)) > 0 || isNews;
  if (leadsAny(state.image, broker.id)) return;
  // The entry of the last move is the next one to be proposed, or it is the last one proposed when no leadership had to
  // move.
  sessions.setShutdownOffset(
    broker.id,
    moved ? Math.max(firstOffset, state.nextOffset - 1) : firstOffset - 1,
  );
}

export function registrationChange(broker: BrokerImage, fields: object): MetadataRecord {
  return record('BrokerRegistrationChangeRecord', {
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    ...fields,
  });
}

/** A log directory failed: removes it from the registration, and the replicas in it from their ISRs. */
function* directoriesLost(
  state: ControllerState,
  broker: BrokerImage,
  offline: readonly Uuid[],
): Operation<void> {
  const lost = broker.logDirs.filter((directory) => offline.includes(directory));
  const rest = broker.logDirs.filter((directory) => !offline.includes(directory));
  // A broker without any online directory stops by itself. An empty list in the record would mean "unchanged".
  if (lost.length === 0 || rest.length === 0) return;
  // The registration changes last. If the active controller changes before, the broker reports the directories again
  // and the next controller repeats these steps.
  yield* evacuateDirectories(state, broker.id, lost);
  yield [registrationChange(broker, { logDirs: rest })];
}

/** `cordoned.log.dirs` has changed (KIP-1066). Null when the broker does not know this property. */
function* directoriesCordoned(
  state: ControllerState,
  { id }: BrokerImage,
  wanted: readonly Uuid[] | null,
): Operation<void> {
  const broker = state.image.cluster.brokers.get(id);
  if (wanted === null || broker === undefined) return;
  const cordoned = broker.logDirs.filter((directory) => wanted.includes(directory));
  const { cordonedLogDirs } = broker;
  if (
    cordoned.length === cordonedLogDirs.length &&
    cordoned.every((directory) => cordonedLogDirs.includes(directory))
  )
    return;
  yield [registrationChange(broker, { cordonedLogDirs: cordoned })];
}
