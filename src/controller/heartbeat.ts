/**
 * Heartbeats: a broker says how far it has followed the metadata and what it wants; the controller lets it into service, takes it out,
 * or leads it through a controlled shutdown (leaderships move first; it may stop when it has none and knows it).
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
  sessions.touch(id, broker.epoch, nowMs);
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

/** The registration, when the epoch is the one it has. Throws STALE_BROKER_EPOCH. */
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

/** Out of service, without leaderships and out of all ISRs. */
export function* fence(
  state: ControllerState,
  broker: BrokerImage,
  sessions: BrokerSessions,
): Operation<void> {
  sessions.end(broker.id);
  yield [registrationChange(broker, { fenced: 1 })];
  yield* evacuate(state);
}

/** The first steps of a controlled shutdown: no new leaderships, and the ones there are move. */
function* leave(state: ControllerState, broker: BrokerImage, sessions: BrokerSessions): Operation<void> {
  // A broker that is leaving is given nothing any more.
  if (sessions.shutdownOffset(broker.id) !== null) return;
  const firstOffset = state.nextOffset;
  const isNews = !broker.inControlledShutdown;
  if (isNews) yield [registrationChange(broker, { inControlledShutdown: 1 })];
  const moved = (yield* evacuate(state)) > 0 || isNews;
  if (leadsAny(state.image, broker.id)) return;
  // The entry with the last move is the next one, or was the one before.
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

/** A disk failed: its directories leave the registration, and the replicas in them their ISRs. */
function* directoriesLost(
  state: ControllerState,
  broker: BrokerImage,
  offline: readonly Uuid[],
): Operation<void> {
  const lost = broker.logDirs.filter((directory) => offline.includes(directory));
  const rest = broker.logDirs.filter((directory) => !offline.includes(directory));
  // Without any directory left a broker stops by itself; an empty list would mean "unchanged".
  if (lost.length === 0 || rest.length === 0) return;
  // The registration last: while it names them, another controller would begin again.
  yield* evacuateDirectories(state, broker.id, lost);
  yield [registrationChange(broker, { logDirs: rest })];
}

/** `cordoned.log.dirs` has changed (KIP-1066); null: the broker does not know the property. */
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
