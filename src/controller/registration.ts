/**
 * Registration of brokers and controllers with the active controller. A broker process chooses a new incarnation id at each
 * start. The broker epoch is a log offset at the time of the registration; requests of an older incarnation have a smaller one
 * and are refused. If an older incarnation of the broker is registered, the new one is accepted when the older one's session
 * has ended, its stream is broken, or it is in controlled shutdown. Until then the new one gets DUPLICATE_BROKER_REGISTRATION
 * and tries again.
 */
import { mark } from '../base/mark.ts';
import { brokerEpoch, nodeId } from '../base/ids.ts';
import { uuidZero } from '../base/uuid.ts';
import type { BrokerImage } from '../metadata/cluster-image.ts';
import { record } from '../metadata/records.ts';
import type { FormerMember, PartitionImage } from '../metadata/topics-image.ts';
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/messages/brokers/62-broker-registration.ts';
import type {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../protocol/messages/cluster/64-unregister-broker.ts';
import type {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../protocol/messages/brokers/70-controller-registration.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { BrokerSessions } from './broker-sessions.ts';
import { registrationChange } from './broker-heartbeat.ts';
import { evacuate, evacuateUnclean } from './leader-moves.ts';
import type { ControllerState, Operation, Result } from './state.ts';

/**
 * Registers a broker. First the older incarnation is fenced and loses its leaderships and ISR memberships, in steps. The
 * registration record comes last: if another controller becomes active before that, the broker registers there again, and its
 * request still says whether its last shutdown was unclean. A `KafkaError` thrown here becomes the error code of the response.
 */
export function* registerBroker(
  state: ControllerState,
  request: BrokerRegistrationRequest,
  sessions: BrokerSessions,
  nowMs: number,
): Operation<BrokerRegistrationResponse> {
  checkRegistration(state, request);
  const id = nodeId(request.brokerId);
  const known = state.image.cluster.brokers.get(id);
  const sameIncarnation = known !== undefined && known.incarnationId === request.incarnationId;
  if (known !== undefined && !sameIncarnation) {
    const alive = sessions.isValid(id, known.epoch, nowMs) && sessions.isConnected(id);
    if (alive && !known.inControlledShutdown) {
      mark('controller.former-incarnation-alive');
      throw new KafkaError(
        Errors.DUPLICATE_BROKER_REGISTRATION,
        "Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve once the heartbeat manager expires the broker's session.",
      );
    }
    const isUnclean = request.previousBrokerEpoch !== known.epoch;
    yield* takeOutOfService(
      state,
      known,
      sessions,
      isUnclean ? lostRecords(state, request, known.epoch) : null,
    );
  } else if (known === undefined && request.lostRecords.length > 0) {
    // The broker was unregistered while it was down.
    yield* evacuateUnclean(state, id, sessions, lostRecords(state, request, -1));
  }
  // The new broker epoch is the offset of the registration record, or less. The driver proposes each registration as an entry
  // of its own, so two registrations cannot get the same broker epoch.
  const epoch = sameIncarnation
    ? known.epoch
    : brokerEpoch(Math.max(state.nextOffset, (known?.epoch ?? -1) + 1));
  sessions.renew(id, epoch, nowMs);
  yield [
    record('RegisterBrokerRecord', {
      brokerId: id,
      incarnationId: request.incarnationId,
      brokerEpoch: epoch,
      endPoints: request.listeners,
      features: request.features,
      rack: request.rack,
      fenced: sameIncarnation ? known.fenced : true,
      inControlledShutdown: sameIncarnation ? known.inControlledShutdown : false,
      logDirs: request.logDirs,
    }),
  ];
  if (sameIncarnation) mark('controller.registration-asked-again');
  return { throttleTimeMs: 0, errorCode: 0, brokerEpoch: epoch };
}

type LostIn = (partition: PartitionImage) => FormerMember | undefined;

/**
 * Fences the broker and takes its leaderships away. It is fenced first, so that no step elects it as leader again. `lostIn` is
 * null when its last shutdown was clean.
 */
function* takeOutOfService(
  state: ControllerState,
  broker: BrokerImage,
  sessions: BrokerSessions,
  lostIn: LostIn | null,
): Operation<void> {
  if (!broker.fenced) yield [registrationChange(broker, { fenced: 1 })];
  yield* lostIn === null ? evacuate(state, sessions) : evacuateUnclean(state, broker.id, sessions, lostIn);
}

/**
 * Returns a function that says whether records are missing in the broker's replica of a partition. The registration lists these
 * replicas. If the broker's clean shutdown file is older than its last registration (`lastEpoch`), records are missing in all
 * its replicas: each start removes the file, so the directories are an old copy.
 */
function lostRecords(state: ControllerState, request: BrokerRegistrationRequest, lastEpoch: number): LostIn {
  const brokerId = nodeId(request.brokerId);
  if (request.previousBrokerEpoch >= 0 && request.previousBrokerEpoch < lastEpoch) {
    mark('controller.old-copy-of-directories');
    return ({ replicas }) =>
      replicas.includes(brokerId) ? { brokerId, leaderEpoch: -1, hasLostRecords: true } : undefined;
  }
  const epochs = new Map<string, number>();
  for (const { topicName, topicId, partitions } of request.lostRecords) {
    const id = state.image.topics.byName(topicName)?.id;
    // A topic of another id has been deleted, and another one with the same name was created.
    if (id === undefined || (topicId !== uuidZero && topicId !== id)) continue;
    for (const { partitionIndex, leaderEpoch } of partitions)
      epochs.set(`${id}-${partitionIndex}`, leaderEpoch);
  }
  if (epochs.size === 0) return () => undefined;
  return ({ topicId, index, replicas }) => {
    const leaderEpoch = epochs.get(`${topicId}-${index}`);
    if (leaderEpoch === undefined || !replicas.includes(brokerId)) return undefined;
    mark('controller.replica-has-lost-records');
    return { brokerId, leaderEpoch, hasLostRecords: true };
  };
}

function checkRegistration(state: ControllerState, request: BrokerRegistrationRequest): void {
  const { clusterId } = state.settings;
  if (request.clusterId !== clusterId) {
    throw new KafkaError(
      Errors.INCONSISTENT_CLUSTER_ID,
      `Expected cluster ID ${clusterId}, but got cluster ID ${request.clusterId}`,
    );
  }
  if (new Set(request.logDirs).size !== request.logDirs.length) {
    throw new KafkaError(Errors.INVALID_REGISTRATION, 'The registration names a log directory twice.');
  }
  for (const other of state.image.cluster.brokers.values()) {
    if (other.id === request.brokerId) continue;
    const shared = request.logDirs.find((directory) => other.logDirs.includes(directory));
    if (shared === undefined) continue;
    throw new KafkaError(
      Errors.INVALID_REGISTRATION,
      `Broker ${other.id} is already registered with directory ${shared}`,
    );
  }
  for (const [name, level] of state.image.features.levels) {
    if (name === 'kraft.version') continue;
    const range = request.features.find((feature) => feature.name === name);
    const [min, max] = [range?.minSupportedVersion ?? 0, range?.maxSupportedVersion ?? 0];
    if (level >= min && level <= max) continue;
    throw new KafkaError(
      Errors.UNSUPPORTED_VERSION,
      `Unable to register because the broker does not support finalized version ${level} of ${name}. The broker wants a version between ${min} and ${max}, inclusive.`,
    );
  }
}

export function* unregisterBroker(
  state: ControllerState,
  request: UnregisterBrokerRequest,
  sessions: BrokerSessions,
): Operation<UnregisterBrokerResponse> {
  const broker = state.image.cluster.brokers.get(nodeId(request.brokerId));
  if (broker === undefined) {
    throw new KafkaError(
      Errors.BROKER_ID_NOT_REGISTERED,
      `Broker ID ${request.brokerId} is not currently registered`,
    );
  }
  sessions.end(broker.id);
  yield* takeOutOfService(state, broker, sessions, () => undefined);
  yield [record('UnregisterBrokerRecord', { brokerId: broker.id, brokerEpoch: broker.epoch })];
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null };
}

export function registerController(
  state: ControllerState,
  request: ControllerRegistrationRequest,
): Result<ControllerRegistrationResponse> {
  const response = { throttleTimeMs: 0, errorCode: 0, errorMessage: null };
  const registration = record('RegisterControllerRecord', {
    controllerId: request.controllerId,
    incarnationId: request.incarnationId,
    zkMigrationReady: request.zkMigrationReady,
    endPoints: request.listeners,
    features: request.features,
  });
  const known = state.image.cluster.controllers.get(nodeId(request.controllerId));
  const unchanged = known !== undefined && known.incarnationId === request.incarnationId;
  return { records: unchanged ? [] : [registration], response };
}
