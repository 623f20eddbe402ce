/**
 * BrokerHeartbeat: a broker reports how much metadata it has applied, and whether it wants to be fenced or to shut down. The
 * controller unfences it, fences it, or handles its controlled shutdown: the controller first moves the broker's leaderships to
 * other brokers. The broker may stop when it leads no partition and has applied the metadata that says so.
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

/** Throws STALE_BROKER_EPOCH when the request is from an older incarnation of the broker. */
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
  yield* evacuate(state, sessions);
}

/** The first steps of a controlled shutdown: the broker gets no new leaderships, and its leaderships move to other brokers. */
function* leave(state: ControllerState, broker: BrokerImage, sessions: BrokerSessions): Operation<void> {
  // An earlier heartbeat of this controlled shutdown has moved all leaderships already.
  if (sessions.shutdownOffset(broker.id) !== null) return;
  const firstOffset = state.nextOffset;
  const isNews = !broker.inControlledShutdown;
  if (isNews) yield [registrationChange(broker, { inControlledShutdown: 1 })];
  const moved = (yield* evacuate(state, sessions)) > 0 || isNews;
  if (leadsAny(state.image, broker.id)) return;
  // The broker may stop when it has the metadata entry of the last move. If this call proposed records, that is the last entry
  // proposed so far; if nothing had to move, it is an entry before this call.
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

/** Handles failed log directories: removes the replicas in them from their ISRs, then the directories from the registration. */
function* directoriesLost(
  state: ControllerState,
  broker: BrokerImage,
  offline: readonly Uuid[],
): Operation<void> {
  const lost = broker.logDirs.filter((directory) => offline.includes(directory));
  const rest = broker.logDirs.filter((directory) => !offline.includes(directory));
  // When the last directory has failed, nothing is recorded: the broker stops by itself. A record cannot say so, because an
  // empty list of directories in the record means "unchanged".
  if (lost.length === 0 || rest.length === 0) return;
  // The registration changes last. If another controller becomes active before that, the broker reports the failed directories
  // to it again, and it repeats these steps.
  yield* evacuateDirectories(state, broker.id, lost);
  yield [registrationChange(broker, { logDirs: rest })];
}

/**
 * Records the log directories of `cordoned.log.dirs`, which get no new replicas (KIP-1066), if the list has changed. `wanted`
 * is null when the broker's version does not know the property.
 */
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
