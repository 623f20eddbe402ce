/**
 * Runs the controller on a voter. Requests wait in a queue and are handled one after the other: the active controller makes
 * records of them, and the driver proposes the records to the metadata log. Requests that wait together share a proposal, and a
 * proposal does not wait for the commit of earlier ones. The responses are sent after the commit.
 *
 * Invariants:
 * - A response is sent after everything that it is based on is committed, also when the request changes nothing.
 * - When a proposal fails, the speculative image is wrong: the active controller is discarded with all pending requests.
 * - The active controller exists only between `onActivated` and `onDeactivated`. At other times requests get NOT_CONTROLLER; if
 *   this node is elected, they wait for the activation first.
 *
 * Not here: streams. `controller-server.ts` calls `submit` for requests of other nodes, `controller-client.ts` for this node.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { yieldTurn } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import { ActiveController } from '../../controller/active-controller.ts';
import { controllerRequests, isControllerRequest } from '../../controller/requests.ts';
import type { Operation, PartitionMutations } from '../../controller/state.ts';
import { tableRules } from '../../controller/table-rules.ts';
import type { MetadataLoader } from '../../metadata/loader.ts';
import type { MetadataRecord } from '../../metadata/records.ts';
import { encodeRecords } from '../../metadata/records.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { BrokerRegistrationRequest } from '../../protocol/messages/brokers/62-broker-registration.ts';
import type { Init, Message } from '../../protocol/schema/fields.ts';
import {
  type LeaderView,
  type MetadataLog,
  type MetadataLogListener,
  QuorumBusyError,
} from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Call } from '../calls/messages.ts';
import { controllerSettings } from './controller-settings.ts';
import { IdleRecord } from './idle-record.ts';
import { checkSender } from './own-requests.ts';
import { type Requester, RequestTable } from './request-table.ts';

export interface ControllerDriverOptions {
  readonly log: MetadataLog;
  /** Added to the log as a listener before this driver. */
  readonly loader: MetadataLoader;
  readonly config: NodeConfig;
  readonly clusterId: string;
  /** The records of bootstrap.checkpoint, which the first active controller of a new cluster writes. */
  readonly bootstrap: readonly MetadataRecord[];
  /** Resolves to false when no connection to a broker's address can be opened. */
  readonly probe: (id: NodeId) => Promise<boolean>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** The quota for a client's request that creates or deletes partitions. */
  readonly mutationsOf: (call: Call, nowMs: number) => PartitionMutations;
}

type ExtraHandler = (call: Call) => Promise<Uint8Array>;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A queued operation. */
interface Job {
  start(active: ActiveController, nowMs: number): Operation<unknown>;
  /** Called when the operation has ended; `committed` resolves when all its records are committed. */
  done(response: unknown, committed: Promise<void>): void;
  failed(error: Error): void;
  readonly kind: JobKind;
}

interface JobKind {
  /** Its records must not share a log entry with those of other jobs. */
  readonly alone: boolean;
  /** The job answers a request: before the response a majority must confirm that no other node leads, even without records. */
  readonly isRequest: boolean;
}

const internalJob: JobKind = { alone: false, isRequest: false };

interface Leadership {
  readonly epoch: number;
  active: ActiveController;
  /** Records that are applied to the speculative image but not proposed yet. */
  records: MetadataRecord[];
  waiting: Waiting[];
  nextOffset: number;
  readonly idleRecord: IdleRecord;
  inFlight: number;
  /** Resolves when the newest proposal is committed. */
  last: Promise<void>;
  over: boolean;
}

const recordsPerProposalMax = 1000;
const proposalsInFlightMax = 8;
const turnMsMax = 5;
const queueLengthMax = 10_000;
/** When a timer fires this much too late, the process was paused. */
const stallMsMin = 500;
/** When the log has refused a proposal, the controller begins again in the same epoch after this delay. */
const startAgainMs = 50;
/** A broker whose stream broke is probed with growing delays, because an ending process may still accept connections. */
const probeDelayMsMin = 5;
const probeDelayMsMax = 500;

function busy(): KafkaError {
  return new KafkaError(Errors.REQUEST_TIMED_OUT, 'The controller is busy.');
}

export class ControllerDriver implements MetadataLogListener {
  readonly #options: ControllerDriverOptions;
  readonly #queue: Job[] = [];
  readonly #extraHandlers = new Map<number, ExtraHandler>();
  readonly #requests = new RequestTable();
  #leadership: Leadership | null = null;
  /** This node leads the quorum, but perhaps it is not active yet. */
  #isElected = false;
  /** Continue the requests that arrived between the election and the activation. */
  readonly #early: (() => void)[] = [];
  /** The epoch in which this node leads the quorum. */
  #ledEpoch: number | null = null;
  #pumping = false;
  #tickTimer: Timer | null = null;
  #tickAtMs = 0;
  #wake: (() => void) | null = null;

  constructor(options: ControllerDriverOptions) {
    this.#options = options;
  }

  get isActive(): boolean {
    return this.#leadership !== null;
  }

  /** This node leads the quorum: it is the active controller, or becomes active as soon as its first entry is committed. */
  get isElected(): boolean {
    return this.#leadership !== null || this.#isElected;
  }

  /** Adds a handler for an API that `ActiveController` does not handle, such as the APIs about the quorum itself. */
  addHandler(apiKey: number, handler: ExtraHandler): void {
    this.#extraHandlers.set(apiKey, handler);
  }

  /**
   * Handles a request; resolves to the encoded response when it may be sent, or rejects with `KafkaError`. A repetition of a
   * request that was begun in this controller epoch gets the response of the first. A request whose sender no longer waits when
   * its turn comes is dropped: the sender has sent it again, perhaps to this node.
   */
  submit(call: Call, requester: Requester): Promise<Uint8Array> {
    return this.#requests.once(call, requester, (isAwaited) => {
      const extra = this.#extraHandlers.get(call.apiKey);
      return extra === undefined ? this.decide(call, isAwaited, requester.nodeId) : extra(call);
    });
  }

  /** Handles a request with `ActiveController`; never with an added handler. */
  async decide(call: Call, isAwaited = () => true, sender: NodeId | null = null): Promise<Uint8Array> {
    await this.#activation();
    if (this.#leadership === null) throw new KafkaError(Errors.NOT_CONTROLLER);
    const { apiKey, apiVersion } = call;
    if (!isControllerRequest(apiKey)) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
    if (this.#queue.length >= queueLengthMax) throw busy();
    const schemas: { readonly request: Message; readonly response: Message } = controllerRequests[apiKey];
    const request = decode(schemas.request, apiVersion, call.body);
    if (sender !== null) checkSender(apiKey, request, sender);
    const response = await this.#enqueue(
      (active, nowMs) => {
        if (!isAwaited()) throw new KafkaError(Errors.REQUEST_TIMED_OUT);
        const mutations = this.#options.mutationsOf(call, nowMs);
        const operation = active.handle(apiKey, request, { apiVersion, nowMs, mutations });
        if (operation === undefined) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
        return operation;
      },
      // Two registrations in one entry would get the same broker epoch, the entry's offset (`controller/registration.ts`).
      { alone: apiKey === BrokerRegistrationRequest.key, isRequest: true },
    );
    return encode(schemas.response, apiVersion, response as Init<Message>);
  }

  /** Resolves when this node is active or does not lead. To wait for a leader's first commit is faster than to send again. */
  async #activation(): Promise<void> {
    if (this.#leadership !== null || !this.#isElected) return;
    if (this.#early.length >= queueLengthMax) throw busy();
    await new Promise<void>((resolve) => this.#early.push(resolve));
  }

  #admit(): void {
    for (const resolve of this.#early.splice(0)) resolve();
  }

  /** Resolves when a majority has confirmed that no other node leads. Rejects with NOT_CONTROLLER when one may lead. */
  async confirmLeadership(): Promise<void> {
    if (this.#leadership === null) throw new KafkaError(Errors.NOT_CONTROLLER);
    try {
      await this.#options.log.readBarrier();
    } catch (error) {
      throw error instanceof QuorumBusyError ? busy() : new KafkaError(Errors.NOT_CONTROLLER);
    }
  }

  /** Called after a DescribeQuorum response: a NoOpRecord follows soon, so that the next response shows a larger offset. */
  logEndReported(): void {
    this.#leadership?.idleRecord.logEndRead();
  }

  /** Called when a broker's stream to this node broke. */
  brokerStreamBroken(id: NodeId): void {
    const leadership = this.#leadership;
    if (leadership === null) return;
    leadership.active.brokerStreamBroken(id);
    this.#probe(leadership, id, probeDelayMsMin);
  }

  onCommit(): void {}

  onSnapshot(): void {}

  onLeaderChange({ id }: LeaderView): void {
    this.#isElected = id === this.#options.config.nodeId;
    if (!this.#isElected) this.#admit();
  }

  /** All entries before `startOffset` are committed and in the image (`MetadataLogListener`), so the controller can begin. */
  onActivated(epoch: number, startOffset: number): void {
    this.#end();
    this.#ledEpoch = epoch;
    this.#begin(epoch, startOffset);
    this.#admit();
  }

  onDeactivated(): void {
    this.#ledEpoch = null;
    this.#requests.clear();
    this.#end();
    this.#admit();
  }

  close(): void {
    this.#isElected = false;
    this.onDeactivated();
  }

  #begin(epoch: number, startOffset: number): void {
    const nextOffset = Math.max(startOffset, this.#options.log.status().logEndOffset);
    const leadership: Leadership = {
      epoch,
      active: this.#newActive(nextOffset),
      records: [],
      waiting: [],
      nextOffset,
      idleRecord: this.#newIdleRecord(),
      inFlight: 0,
      last: Promise.resolve(),
      over: false,
    };
    this.#leadership = leadership;
    this.#options.logger.info('This node is the active controller', { epoch });
    const { bootstrap } = this.#options;
    void this.#enqueue((active) => active.bootstrap(bootstrap), internalJob).catch(() => {});
    void this.#enqueue((active) => active.takeOver(), internalJob).catch(() => {});
    this.#probeAll(leadership);
  }

  #newIdleRecord(): IdleRecord {
    const { scheduler, clock, config } = this.#options;
    const write = () => void this.#enqueue((active) => active.idle(), internalJob).catch(() => {});
    return new IdleRecord({
      intervalMs: config.get('metadata.max.idle.interval.ms'),
      write,
      clock,
      scheduler,
    });
  }

  #end(): void {
    const leadership = this.#leadership;
    if (leadership === null) return;
    this.#leadership = null;
    leadership.over = true;
    leadership.idleRecord.stop();
    this.#tickTimer?.cancel();
    this.#tickTimer = null;
    this.#options.logger.info('This node is no longer the active controller', { epoch: leadership.epoch });
    const error = new KafkaError(Errors.NOT_CONTROLLER);
    for (const job of this.#queue.splice(0)) job.failed(error);
    for (const waiting of leadership.waiting.splice(0)) waiting.reject(error);
    this.#wake?.();
  }

  #newActive(nextOffset: number): ActiveController {
    const { config, clusterId, loader, log, random, clock } = this.#options;
    const state = {
      image: loader.image,
      nextOffset,
      settings: controllerSettings(config, clusterId, () => log.status().voters),
      rules: tableRules(config),
      random,
    };
    return new ActiveController(state, clock.monotonicMs());
  }

  #enqueue(
    start: (active: ActiveController, nowMs: number) => Operation<unknown>,
    kind: JobKind,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        start,
        done: (response, committed) => {
          committed.then(() => resolve(response), reject);
        },
        failed: reject,
        kind,
      });
      if (this.#pumping) return;
      this.#pumping = true;
      // Not at once, so that jobs that arrive in the same turn of the event loop share a proposal.
      queueMicrotask(() => void this.#pump());
    });
  }

  async #pump(): Promise<void> {
    let turnStartMs = this.#options.clock.monotonicMs();
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      const leadership = this.#leadership;
      if (leadership === null) {
        job.failed(new KafkaError(Errors.NOT_CONTROLLER));
        continue;
      }
      if (job.kind.alone) this.#flush(leadership);
      turnStartMs = await this.#run(leadership, job, turnStartMs);
      if (job.kind.alone || this.#queue.length === 0) this.#flush(leadership);
      await this.#room(leadership);
    }
    this.#pumping = false;
    this.#scheduleTick();
  }

  /** Runs a job step by step. Returns the time at which the current turn of the event loop began. */
  async #run(leadership: Leadership, job: Job, turnStartMs: number): Promise<number> {
    const { clock, scheduler, logger } = this.#options;
    let startedMs = turnStartMs;
    try {
      const operation = job.start(leadership.active, clock.monotonicMs());
      for (;;) {
        const step = operation.next();
        if (step.done === true) {
          job.done(step.value, this.#certain(leadership, job.kind.isRequest));
          return startedMs;
        }
        leadership.active.replay(step.value);
        for (const record of step.value) leadership.records.push(record);
        if (leadership.records.length >= recordsPerProposalMax) {
          this.#flush(leadership);
          await this.#room(leadership);
        }
        if (leadership.over) throw new KafkaError(Errors.NOT_CONTROLLER);
        if (clock.monotonicMs() - startedMs < turnMsMax) continue;
        await yieldTurn(scheduler);
        startedMs = clock.monotonicMs();
        if (leadership.over) throw new KafkaError(Errors.NOT_CONTROLLER);
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) logger.error('A request failed in the controller', { error });
      job.failed(error instanceof KafkaError ? error : new KafkaError(Errors.UNKNOWN_SERVER_ERROR));
      return startedMs;
    }
  }

  /** Resolves when all records so far are committed. Without records, a request waits for a majority to confirm this leader. */
  #certain(leadership: Leadership, isRequest: boolean): Promise<void> {
    if (leadership.records.length === 0) {
      return isRequest ? this.confirmLeadership().then(() => leadership.last) : leadership.last;
    }
    return new Promise((resolve, reject) => {
      leadership.waiting.push({ resolve, reject });
    });
  }

  #flush(leadership: Leadership): void {
    if (leadership.records.length === 0 || leadership.over) return;
    const { log } = this.#options;
    const payload = encodeRecords(leadership.records);
    const waiting = leadership.waiting;
    leadership.records = [];
    leadership.waiting = [];
    leadership.inFlight++;
    leadership.idleRecord.written();
    const proposed = log.propose(payload, leadership.epoch);
    leadership.nextOffset = Math.max(leadership.nextOffset + 1, log.status().logEndOffset);
    leadership.active.setNextOffset(leadership.nextOffset);
    const settled = proposed.then(
      () => {
        leadership.inFlight--;
        for (const one of waiting) one.resolve();
        this.#shareImage(leadership);
        this.#wake?.();
      },
      (error: unknown) => {
        leadership.inFlight--;
        const refusal = new KafkaError(Errors.NOT_CONTROLLER);
        for (const one of waiting) one.reject(refusal);
        this.#startAgain(leadership, error);
        this.#wake?.();
        throw refusal;
      },
    );
    settled.catch(() => {});
    leadership.last = settled;
  }

  /** A proposal has failed, so the speculative image is wrong: begins again from the committed one if this node still leads. */
  #startAgain(leadership: Leadership, error: unknown): void {
    if (leadership.over) return;
    this.#options.logger.info('A proposal to the metadata log was not accepted', { reason: String(error) });
    const { epoch } = leadership;
    this.#end();
    const retry = (): void => {
      if (this.#leadership !== null || this.#ledEpoch !== epoch) return;
      if (leadership.inFlight > 0) this.#options.scheduler.after(startAgainMs, retry);
      else this.#begin(epoch, 0);
    };
    this.#options.scheduler.after(startAgainMs, retry);
  }

  /** Waits until fewer than `proposalsInFlightMax` proposals are in flight. */
  async #room(leadership: Leadership): Promise<void> {
    while (leadership.inFlight >= proposalsInFlightMax && !leadership.over) await this.#woken();
  }

  /** While no proposal is in flight, the committed image equals the speculative one, so only one of them is kept in memory. */
  #shareImage(leadership: Leadership): void {
    if (leadership.over || this.#pumping || leadership.inFlight > 0 || leadership.records.length > 0) return;
    leadership.active.shareImage(this.#options.loader.image);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }

  #scheduleTick(): void {
    const leadership = this.#leadership;
    const at = leadership?.active.nextTickMs() ?? null;
    if (at === null) return;
    // A timer is set already. If it fires too early, `tick` finds nothing to do, and the timer is set again.
    if (this.#tickTimer !== null && this.#tickAtMs <= at) return;
    this.#tickTimer?.cancel();
    const { scheduler, clock } = this.#options;
    this.#tickAtMs = at;
    this.#tickTimer = scheduler.after(Math.max(1, at - clock.monotonicMs()), () => {
      this.#tickTimer = null;
      const active = this.#leadership?.active;
      if (active === undefined) return;
      const lateMs = clock.monotonicMs() - at;
      if (lateMs > stallMsMin && at > 0) active.extendSessions(lateMs);
      void this.#enqueue((now, nowMs) => now.tick(nowMs), internalJob).catch(() => {});
    });
  }

  /** Probes all unfenced brokers: a new active controller has no heartbeats yet, and must not wait for the session time-out. */
  #probeAll(leadership: Leadership): void {
    for (const broker of leadership.active.image.cluster.brokers.values()) {
      if (!broker.fenced && broker.id !== this.#options.config.nodeId)
        this.#probe(leadership, broker.id, probeDelayMsMin);
    }
  }

  #probe(leadership: Leadership, id: NodeId, delayMs: number): void {
    const { scheduler, probe, logger } = this.#options;
    scheduler.after(delayMs, () => {
      const wanted = (): boolean => {
        const broker = leadership.active.image.cluster.brokers.get(id);
        return !leadership.over && broker?.fenced === false && !leadership.active.isConnected(id);
      };
      if (!wanted()) return;
      void probe(id).then((isThere) => {
        if (!wanted()) return;
        if (isThere) return this.#probe(leadership, id, Math.min(delayMs * 2, probeDelayMsMax));
        logger.info(`Broker ${id} counts as ended: its streams broke and its address accepts no connection`);
        leadership.active.brokerProcessEnded(id);
        this.#enqueue((active, nowMs) => active.tick(nowMs), internalJob).catch(() => {});
      });
    });
  }
}
