/**
 * A broker's registration with the controller. The broker registers at each start and then sends heartbeats. Its heartbeats ask
 * to be unfenced when it has applied the metadata up to its own registration and its logs are open. Before it stops, its
 * heartbeats ask for a controlled shutdown.
 *
 *   STARTING --registered--> RECOVERY --unfenced--> RUNNING --shutdown--> PENDING_CONTROLLED_SHUTDOWN --> SHUTTING_DOWN
 *
 * Invariant: at most one heartbeat is in flight. When something to report changes in the meantime, the next heartbeat follows
 * at once.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Uuid } from '../../base/uuid.ts';
import { randomUuid, uuidZero } from '../../base/uuid.ts';
import type { LostReplica } from '../../log/directories/lost-replicas.ts';
import type { BrokerImage, EndpointImage, FeatureRange } from '../../metadata/cluster-image.ts';
import type { ControllerClient } from '../../metadata/controller-port.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  BrokerHeartbeatRequest,
  BrokerHeartbeatResponse,
} from '../../protocol/messages/brokers/63-broker-heartbeat.ts';
import type { BrokerHeartbeatResponse as Heartbeat } from '../../protocol/messages/brokers/63-broker-heartbeat.ts';
import {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../../protocol/messages/brokers/62-broker-registration.ts';
import type { LeaderView } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';

export type BrokerState =
  | 'STARTING'
  | 'RECOVERY'
  | 'RUNNING'
  | 'PENDING_CONTROLLED_SHUTDOWN'
  | 'SHUTTING_DOWN';

export interface BrokerLifecycleOptions {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly client: ControllerClient;
  /** The newest image; heartbeats report its offset. */
  readonly image: () => MetadataImage;
  /** The endpoints to register. None has an empty host. */
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly features: ReadonlyMap<string, FeatureRange>;
  /** Ids of the log directories that are online at the start. */
  readonly logDirs: readonly Uuid[];
  /** Ids of log directories that have failed since the start. */
  readonly offlineLogDirs: () => readonly Uuid[];
  /** Ids of the directories of `cordoned.log.dirs`. */
  readonly cordonedLogDirs: () => readonly Uuid[];
  /**
   * log.dir.failure.timeout.ms: a broker that cannot report a failed log directory to the controller for this time must stop.
   */
  readonly directoryFailureTimeoutMs: number;
  /**
   * Called when that time has passed: the controller cannot move the leaderships in the failed directory, so the broker must
   * stop.
   */
  readonly onDirectoryFailureUnreported: () => void;
  /** The broker epoch in the clean shutdown file; -1 when there is no such file. */
  readonly previousBrokerEpoch: number;
  /** Replicas in which records are missing. */
  readonly lostReplicas: readonly LostReplica[];
  /** broker.heartbeat.interval.ms. */
  readonly heartbeatIntervalMs: number;
  /** initial.broker.registration.timeout.ms. */
  readonly registrationTimeoutMs: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

const registrationRetryMs = 100;
/** Interval of heartbeats during a controlled shutdown. */
const shutdownBeatMs = 50;
const heartbeatDeadlineMs = 4500;

export class BrokerLifecycle implements MetadataPublisher {
  readonly incarnationId: Uuid;
  readonly #options: BrokerLifecycleOptions;
  #state: BrokerState = 'STARTING';
  #epoch = -1;
  /** A registration was sent, and it is unknown whether the controller has recorded it. */
  #mayBeRegistered = false;
  #ready = false;
  #stopRequested = false;
  #closed = false;
  #beating = false;
  #beatAgain = false;
  #timer: Timer | null = null;
  #reregistering = false;
  readonly #unfenced: { promise: Promise<void>; resolve: () => void };
  readonly #mayStop: { promise: Promise<void>; resolve: () => void };
  /** The timer that stops the broker (`directoryFailureTimeoutMs`). It runs while a failed log directory is not reported. */
  #failureDeadline: Timer | null = null;
  /** An active controller is known. */
  #isLed = false;
  /** When the active controller last responded to the registration or to a heartbeat. */
  #respondedMs = 0;

  constructor(options: BrokerLifecycleOptions) {
    this.#options = options;
    this.incarnationId = randomUuid(options.random);
    this.#unfenced = latch();
    this.#mayStop = latch();
  }

  get state(): BrokerState {
    return this.#state;
  }

  /** -1 before the registration. */
  get brokerEpoch(): number {
    return this.#epoch;
  }

  /** For the clean shutdown files. Null: the controller has recorded no registration of this incarnation; -1: it may have. */
  get shutdownEpoch(): number | null {
    return this.#epoch < 0 && !this.#mayBeRegistered ? null : this.#epoch;
  }

  /** Time since the active controller last responded; null before the registration. */
  get controllerSilenceMs(): number | null {
    return this.#epoch < 0 ? null : this.#options.clock.monotonicMs() - this.#respondedMs;
  }

  /**
   * Registers; resolves when the controller has accepted, or after `close`. Rejects when the controller's refusal is final, or
   * when `registrationTimeoutMs` has passed.
   */
  async start(): Promise<void> {
    const { clock, scheduler, registrationTimeoutMs, logger } = this.#options;
    const deadlineMs = clock.monotonicMs() + registrationTimeoutMs;
    let last: KafkaError | null = null;
    for (let said: ErrorRow | null = null; ; ) {
      const leftMs = deadlineMs - clock.monotonicMs();
      const refusal = await this.#register(Math.max(1, leftMs));
      if (refusal === null) break;
      if (this.#closed) return;
      // Once the controller has refused with a reason, that refusal is reported in the end, not a later time-out of a request.
      if (last === null || refusal.error !== Errors.REQUEST_TIMED_OUT) last = refusal;
      const { error } = last;
      const final = error !== Errors.DUPLICATE_BROKER_REGISTRATION && !error.retriable;
      if (final || clock.monotonicMs() >= deadlineMs) {
        throw new KafkaError(
          error,
          `The controller refused the registration of this broker: ${last.message}`,
        );
      }
      // The broker tries ten times a second, so it logs a refusal only when the error changes.
      if (error !== said) {
        const fields = { error: error.name, message: last.message, forMs: Math.round(leftMs) };
        logger.warn('The controller refused the registration of this broker; trying again', fields);
      }
      said = error;
      await sleep(scheduler, registrationRetryMs);
    }
    this.#transition('STARTING', 'RECOVERY');
    this.#beat();
  }

  /** The logs are open: from now on the broker asks to be unfenced. */
  ready(): void {
    this.#ready = true;
    if (this.#epoch >= 0) this.#beat();
  }

  /** Resolves when this node's metadata shows for the first time that this broker is unfenced. */
  whenUnfenced(): Promise<void> {
    return this.#unfenced.promise;
  }

  /**
   * Asks for a controlled shutdown. Resolves when this broker leads no partition any more, or when `timeoutMs` has passed. It
   * does not wait longer than `silenceMs` while no active controller is known, because then nothing moves the leaderships.
   */
  async shutdown(timeoutMs = 30_000, silenceMs = 1500): Promise<void> {
    const { clock, scheduler, logger } = this.#options;
    if (this.#stopRequested) return this.#mayStop.promise;
    this.#stopRequested = true;
    if (this.#epoch < 0) return this.close();
    this.#transition(this.#state, 'PENDING_CONTROLLED_SHUTDOWN');
    const startMs = clock.monotonicMs();
    let leaderSeenMs = startMs;
    this.#beat();
    let done = false;
    void this.#mayStop.promise.then(() => {
      done = true;
    });
    while (!done) {
      const nowMs = clock.monotonicMs();
      if (this.#isLed) leaderSeenMs = nowMs;
      if (nowMs - startMs > timeoutMs || nowMs - leaderSeenMs > silenceMs) {
        logger.warn('Stopping without a controlled shutdown', { waitedMs: Math.round(nowMs - startMs) });
        break;
      }
      await Promise.race([this.#mayStop.promise, sleep(scheduler, shutdownBeatMs)]);
      if (!done) this.#beat();
    }
    this.#transition('PENDING_CONTROLLED_SHUTDOWN', 'SHUTTING_DOWN');
    this.close();
  }

  /** A log directory has failed: sends a heartbeat at once, so that the controller moves the leaderships in it. */
  directoryFailed(): void {
    if (this.#closed) return;
    const { scheduler, directoryFailureTimeoutMs, onDirectoryFailureUnreported } = this.#options;
    this.#failureDeadline ??= scheduler.after(directoryFailureTimeoutMs, onDirectoryFailureUnreported);
    this.#beat();
  }

  /** `cordoned.log.dirs` has changed: sends a heartbeat with the new list at once. */
  directoriesCordoned(): void {
    this.#beat();
  }

  /** Stops sending heartbeats. */
  close(): void {
    this.#closed = true;
    this.#failureDeadline?.cancel();
    this.#timer?.cancel();
    this.#timer = null;
    this.#mayStop.resolve();
  }

  onMetadataUpdate(_delta: MetadataDelta, image: MetadataImage): void {
    if (this.#closed || this.#epoch < 0) return;
    const own = this.#own(image);
    if (own === null) return;
    if (!own.fenced && this.#state === 'RECOVERY') {
      this.#transition('RECOVERY', 'RUNNING');
      this.#unfenced.resolve();
    }
    // The controller has fenced this broker at the end of the controlled shutdown. From now on this broker must not answer
    // Metadata requests, because its image lists only the other brokers.
    if (own.fenced && this.#stopRequested) return this.#mayStop.resolve();
    // New metadata may be what the controller waits for, so a heartbeat reports it at once. At the start: with the metadata of
    // its own registration, the broker is unfenced. In a controlled shutdown: with the metadata in which it leads nothing, it
    // may stop.
    if ((own.fenced && this.#ready) || this.#stopRequested) this.#beat();
  }

  /** Another node is the active controller: sends it a heartbeat at once. */
  onControllerChange(leader: LeaderView): void {
    this.#isLed = leader.id !== null;
    if (this.#epoch >= 0) this.#beat();
  }

  #own(image: MetadataImage): BrokerImage | null {
    const own = image.cluster.brokers.get(this.#options.nodeId);
    return own !== undefined && own.incarnationId === this.incarnationId && own.epoch === this.#epoch
      ? own
      : null;
  }

  #transition(from: BrokerState, to: BrokerState): void {
    this.#state = to;
    this.#options.logger.info(`Transitioning from ${from} to ${to}`, { brokerEpoch: this.#epoch });
  }

  /** Sends the registration once. Null: the controller has accepted it. */
  async #register(deadlineMs: number): Promise<KafkaError | null> {
    const { client, endpoints, features, rack, logDirs, nodeId, clusterId } = this.#options;
    const mightBefore = this.#mayBeRegistered;
    this.#mayBeRegistered = true;
    try {
      const answer = await client.request(
        BrokerRegistrationRequest,
        BrokerRegistrationResponse,
        4,
        {
          brokerId: nodeId,
          clusterId,
          incarnationId: this.incarnationId,
          listeners: endpoints,
          features: [...features].map(([name, range]) => ({
            name,
            minSupportedVersion: range.min,
            maxSupportedVersion: range.max,
          })),
          rack,
          isMigratingZkBroker: false,
          logDirs,
          previousBrokerEpoch: this.#options.previousBrokerEpoch,
          lostRecords: byTopic(this.#options.lostReplicas),
        },
        { deadlineMs },
      );
      if (answer.errorCode !== 0) {
        this.#mayBeRegistered = mightBefore;
        return new KafkaError(errorOf(answer.errorCode));
      }
      this.#epoch = answer.brokerEpoch;
      this.#respondedMs = this.#options.clock.monotonicMs();
      return null;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return error;
    }
  }

  #beat(): void {
    if (this.#closed || this.#epoch < 0) return;
    if (this.#beating) {
      this.#beatAgain = true;
      return;
    }
    this.#beating = true;
    this.#beatAgain = false;
    this.#timer?.cancel();
    this.#timer = null;
    void this.#exchange().then(() => {
      this.#beating = false;
      if (this.#closed) return;
      if (this.#beatAgain) return this.#beat();
      this.#timer = this.#options.scheduler.after(this.#options.heartbeatIntervalMs, () => this.#beat());
    });
  }

  async #exchange(): Promise<void> {
    const { client, nodeId, image, offlineLogDirs, cordonedLogDirs, logger } = this.#options;
    const current = image();
    // While the image does not have this incarnation's registration, its offset is not reported: the controller would unfence a
    // broker that acts on the metadata of its previous incarnation.
    const own = this.#own(current);
    const offline = offlineLogDirs();
    try {
      const answer: Heartbeat = await client.request(
        BrokerHeartbeatRequest,
        BrokerHeartbeatResponse,
        2,
        {
          brokerId: nodeId,
          brokerEpoch: this.#epoch,
          currentMetadataOffset: own === null ? -1 : current.offset,
          wantFence: !this.#ready && !this.#stopRequested,
          wantShutDown: this.#stopRequested,
          offlineLogDirs: offline,
          cordonedLogDirs: cordonedLogDirs(),
        },
        { deadlineMs: heartbeatDeadlineMs },
      );
      this.#respondedMs = this.#options.clock.monotonicMs();
      if (offline.length === offlineLogDirs().length) {
        this.#failureDeadline?.cancel();
        this.#failureDeadline = null;
      }
      if (answer.shouldShutDown && this.#stopRequested) this.#mayStop.resolve();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.debug('A heartbeat failed', { error: error.error.name });
      const unknown =
        error.error === Errors.STALE_BROKER_EPOCH || error.error === Errors.BROKER_ID_NOT_REGISTERED;
      if (unknown) await this.#registerAgain();
    }
  }

  /**
   * Called when the controller refuses heartbeats of this registration: the broker was unregistered, or another process has
   * registered with its id.
   */
  async #registerAgain(): Promise<void> {
    if (this.#reregistering || this.#closed) return;
    const own = this.#options.image().cluster.brokers.get(this.#options.nodeId);
    const { logger, scheduler } = this.#options;
    if (this.#stopRequested) return this.#mayStop.resolve();
    if (own !== undefined && own.incarnationId !== this.incarnationId && own.epoch > this.#epoch) {
      logger.error('Another process has registered with the id of this broker', { brokerEpoch: own.epoch });
    }
    this.#reregistering = true;
    await sleep(scheduler, registrationRetryMs);
    await this.#register(heartbeatDeadlineMs);
    this.#reregistering = false;
    this.#beatAgain = true;
  }
}

function byTopic(lost: readonly LostReplica[]): BrokerRegistrationRequest['lostRecords'] {
  const topics = new Map<string, LostReplica[]>();
  for (const replica of lost) {
    const key = `${replica.topic}/${replica.topicId}`;
    const replicas = topics.get(key);
    if (replicas === undefined) topics.set(key, [replica]);
    else replicas.push(replica);
  }
  return [...topics.values()].map((replicas) => {
    const [{ topic, topicId }] = replicas as [LostReplica];
    const partitions = replicas.map(({ partition, latestEpoch }) => ({
      partitionIndex: partition,
      leaderEpoch: latestEpoch,
    }));
    return { topicName: topic, topicId: topicId === '' ? uuidZero : topicId, partitions };
  });
}

function latch(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
