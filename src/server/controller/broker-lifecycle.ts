/**
 * A broker's registration with the controller. The broker registers at each start and sends heartbeats. It asks to be
 * unfenced when its metadata has reached its own registration and its logs are open. Before it stops it asks for a
 * controlled shutdown.
 *
 *   STARTING --registered--> RECOVERY --unfenced--> RUNNING --shutdown--> PENDING_CONTROLLED_SHUTDOWN --> SHUTTING_DOWN
 *
 * Invariant: at most one heartbeat is in flight; a change that happens meanwhile is sent with the next one, at once.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Uuid } from '../../base/uuid.ts';
import { randomUuid } from '../../base/uuid.ts';
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
  /** The endpoints to register; each has a host. */
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly features: ReadonlyMap<string, FeatureRange>;
  /** Ids of all log directories. */
  readonly logDirs: readonly Uuid[];
  /** Ids of log directories that have failed since the start. */
  readonly offlineLogDirs: () => readonly Uuid[];
  /** Ids of the directories of `cordoned.log.dirs`. */
  readonly cordonedLogDirs: () => readonly Uuid[];
  /** log.dir.failure.timeout.ms: the longest time in which a failed log directory may stay unreported to the controller. */
  readonly directoryFailureTimeoutMs: number;
  /** That time has passed. Leaderships in the failed directory cannot move, so the broker must stop. */
  readonly onDirectoryFailureUnreported: () => void;
  /** From the clean shutdown file; -1 when there is none. */
  readonly previousBrokerEpoch: number;
  /** broker.heartbeat.interval.ms */
  readonly heartbeatIntervalMs: number;
  /** initial.broker.registration.timeout.ms */
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
  #ready = false;
  #stopRequested = false;
  #closed = false;
  #beating = false;
  #beatAgain = false;
  #timer: Timer | null = null;
  #reregistering = false;
  readonly #unfenced: { promise: Promise<void>; resolve: () => void };
  readonly #mayStop: { promise: Promise<void>; resolve: () => void };
  /** Runs while a failed log directory is not reported to the controller. */
  #failureDeadline: Timer | null = null;
  /** An active controller is known. */
  #isLed = false;

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

  /**
   * Registers; resolves when the controller has accepted. Rejects when the controller refuses permanently or the time
   * is up.
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
      // Keep the controller's refusal rather than the later time-out of a request: it gives the reason.
      if (last === null || refusal.error !== Errors.REQUEST_TIMED_OUT) last = refusal;
      const { error } = last;
      const final = error !== Errors.DUPLICATE_BROKER_REGISTRATION && !error.retriable;
      if (final || clock.monotonicMs() >= deadlineMs) {
        throw new KafkaError(
          error,
          `The controller refused the registration of this broker: ${last.message}`,
        );
      }
      // Retried ten times a second; logged when the error changes.
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

  /** Resolves when the metadata first has this broker unfenced. */
  whenUnfenced(): Promise<void> {
    return this.#unfenced.promise;
  }

  /**
   * Asks for a controlled shutdown. Resolves when this broker leads no partition any more, when the time is up, or when
   * for `silenceMs` no active controller was known, because then no controller moves the leaderships.
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

  /** A log directory failed: a heartbeat reports it at once, so that its leaderships move. */
  directoryFailed(): void {
    if (this.#closed) return;
    const { scheduler, directoryFailureTimeoutMs, onDirectoryFailureUnreported } = this.#options;
    this.#failureDeadline ??= scheduler.after(directoryFailureTimeoutMs, onDirectoryFailureUnreported);
    this.#beat();
  }

  /** `cordoned.log.dirs` has changed. */
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
    // The controller has accepted the shutdown. From now on this broker answers no Metadata requests, because its image
    // lists only the other brokers.
    if (own.fenced && this.#stopRequested) return this.#mayStop.resolve();
    // At the start: the metadata has reached this broker's registration, and the controller unfences the broker after
    // the next heartbeat. In a controlled shutdown: leaderships have moved.
    if ((own.fenced && this.#ready) || this.#stopRequested) this.#beat();
  }

  /** The active controller changed: it gets a heartbeat at once. */
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

  /** Null when accepted. */
  async #register(deadlineMs: number): Promise<KafkaError | null> {
    const { client, endpoints, features, rack, logDirs, nodeId, clusterId } = this.#options;
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
        },
        { deadlineMs },
      );
      if (answer.errorCode !== 0) return new KafkaError(errorOf(answer.errorCode));
      this.#epoch = answer.brokerEpoch;
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
    // Before the image has this incarnation's registration, its offset describes an earlier incarnation.
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
   * The controller no longer knows this registration: the broker was unregistered, or another process registered with
   * its id.
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

function latch(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
