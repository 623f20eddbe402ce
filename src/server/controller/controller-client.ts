/**
 * Finds the active controller and talks to it: in this process when it is this node, else over one stream of the channel 'controller',
 * on which requests and heartbeats ride alike, so that its end tells the controller that this broker may have died.
 *
 * Where the controller is comes from the metadata log; while the log doesn't know, the voters are asked in turn.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import { nodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import type { ControllerClient, ControllerRequestOptions } from '../../metadata/controller-port.ts';
import { controllerDeadlineMsDefault } from '../../metadata/controller-port.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import type { Infer, Init, Message, Shape } from '../../protocol/schema/fields.ts';
import type { LeaderView, MetadataLog } from '../../raft/api.ts';
import type { ControllerDriver } from './controller-driver.ts';
import { ControllerAnswer, ControllerCall } from './envelope.ts';

export interface ControllerClientOptions {
  readonly nodeId: NodeId;
  readonly log: Pick<MetadataLog, 'leader' | 'addressOf'>;
  /** Voters, or controller.quorum.bootstrap.servers: whom to ask while the leader isn't known. */
  readonly bootstrap: readonly Address[];
  /** The controller in this process, when there is one. */
  readonly local: ControllerDriver | null;
  readonly peers: PeerNetwork;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

interface Pending {
  readonly resolve: (answer: ControllerAnswer) => void;
  readonly reject: () => void;
}

interface Link {
  readonly address: Address;
  readonly stream: MessageStream;
  readonly pending: Map<number, Pending>;
  open: boolean;
}

const retryMsMin = 10;
const retryMsMax = 200;
/** Nobody answers on this stream: the controller may be elsewhere. */
const attemptMsMax = 5000;

/** The stream broke, or the one we asked isn't the controller: try again. */
const lost = Symbol('lost');

export class StreamControllerClient implements ControllerClient {
  readonly #options: ControllerClientOptions;
  #link: Link | null = null;
  #nextCorrelationId = 1;
  #nextBootstrap = 0;
  /** From an answer that knows more than our log does. */
  #hint: LeaderView = { id: null, epoch: -1 };
  readonly #waitingForChange = new Set<() => void>();
  #closed = false;

  constructor(options: ControllerClientOptions) {
    this.#options = options;
  }

  async request<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    apiVersion: number,
    init: Init<Message<Q>>,
    options: ControllerRequestOptions = {},
  ): Promise<Infer<Message<S>>> {
    const body = encode(request, apiVersion, init);
    return decode(response, apiVersion, await this.send(request.key, apiVersion, body, options));
  }

  async send(
    apiKey: number,
    apiVersion: number,
    body: Uint8Array,
    options: ControllerRequestOptions = {},
  ): Promise<Uint8Array> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + (options.deadlineMs ?? controllerDeadlineMsDefault);
    const principal = options.principal ?? null;
    const clientId = options.clientId ?? null;
    let retryMs = retryMsMin;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#closed) throw new KafkaError(Errors.REQUEST_TIMED_OUT);
      const correlationId = this.#nextCorrelationId;
      this.#nextCorrelationId = (correlationId + 1) & 0x7fff_ffff;
      const call = { correlationId, apiKey, apiVersion, principal, clientId, body };
      const answer = await this.#attempt(call, leftMs);
      if (answer !== lost) return answer;
      const isChanged = await this.#changeOr(
        Math.min(retryMs, Math.max(1, deadlineMs - clock.monotonicMs())),
      );
      // Who has just been elected is active in a moment.
      retryMs = isChanged ? retryMsMin : Math.min(retryMs * 2, retryMsMax);
    }
  }

  /**
   * The metadata log heard of another leader: whoever waits asks there now. What is on its way to the new leader already, be it
   * this very node, stays there: asked a second time, it would be done twice.
   */
  onControllerChange(leader: LeaderView): void {
    const address = leader.id === null ? null : this.#options.log.addressOf(leader.id);
    const isHere = leader.id === this.#options.nodeId;
    if (address === null ? isHere : !this.#isLinkTo(address)) this.#drop();
    for (const wake of [...this.#waitingForChange]) wake();
  }

  /** Not for metadata, only for `onControllerChange`: the client can be added to the loader as a publisher. */
  onMetadataUpdate(): void {}

  close(): void {
    this.#closed = true;
    this.#drop();
    for (const wake of [...this.#waitingForChange]) wake();
  }

  async #attempt(call: ControllerCall, leftMs: number): Promise<Uint8Array | typeof lost> {
    const { local } = this.#options;
    if (local?.isElected === true) return this.#attemptHere(local, call);
    const address = this.#target();
    if (address === null) return lost;
    const answer = await this.#call(address, call, Math.min(leftMs, attemptMsMax));
    if (answer === null) return lost;
    if (answer.errorCode === 0) return answer.body;
    if (answer.errorCode !== Errors.NOT_CONTROLLER.code) {
      throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
    }
    // Asked the wrong one. It may know better than our log.
    if (answer.leaderId >= 0) this.#hint = { id: nodeId(answer.leaderId), epoch: answer.epoch };
    const next = this.#target();
    if (next === null || !sameAddress(next, address)) this.#drop();
    return lost;
  }

  async #attemptHere(local: ControllerDriver, call: ControllerCall): Promise<Uint8Array | typeof lost> {
    try {
      return await local.submit(call);
    } catch (error) {
      if (error instanceof KafkaError && error.error === Errors.NOT_CONTROLLER) return lost;
      throw error;
    }
  }

  #target(): Address | null {
    const { log, bootstrap } = this.#options;
    const known = log.leader();
    const leader = this.#hint.epoch > known.epoch ? this.#hint : known;
    if (leader.id === this.#options.nodeId) return null;
    const address = leader.id === null ? null : log.addressOf(leader.id);
    if (address !== null) return address;
    if (this.#link !== null) return this.#link.address;
    // Nobody leads as far as we know; nobody can answer, but others may know first.
    if (bootstrap.length === 0) return null;
    const next = bootstrap[this.#nextBootstrap % bootstrap.length] as Address;
    this.#nextBootstrap++;
    return next;
  }

  #isLinkTo(address: Address): boolean {
    return this.#link !== null && sameAddress(this.#link.address, address);
  }

  /** Null when the stream broke or nothing came in time. */
  #call(address: Address, call: ControllerCall, timeoutMs: number): Promise<ControllerAnswer | null> {
    const link = this.#linkTo(address);
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const settle = (answer: ControllerAnswer | null): void => {
        timer?.cancel();
        link.pending.delete(call.correlationId);
        resolve(answer);
      };
      timer = this.#options.scheduler.after(timeoutMs, () => settle(null));
      link.pending.set(call.correlationId, { resolve: settle, reject: () => settle(null) });
      link.stream.send(encode(ControllerCall, 0, call));
    });
  }

  #linkTo(address: Address): Link {
    if (this.#link !== null && this.#link.open && sameAddress(this.#link.address, address)) return this.#link;
    this.#drop();
    const stream = this.#options.peers.open(address, 'controller');
    const link: Link = { address, stream, pending: new Map(), open: true };
    this.#link = link;
    stream.onMessage = (message) => {
      const answer = decode(ControllerAnswer, 0, message);
      link.pending.get(answer.correlationId)?.resolve(answer);
    };
    stream.onClose = () => {
      link.open = false;
      if (this.#link === link) this.#link = null;
      for (const pending of [...link.pending.values()]) pending.reject();
    };
    return link;
  }

  #drop(): void {
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    link.open = false;
    link.stream.close();
    for (const pending of [...link.pending.values()]) pending.reject();
  }

  /** Resolves after `ms`, or with true as soon as the controller changed. */
  #changeOr(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const wake = (): void => {
        timer?.cancel();
        this.#waitingForChange.delete(wake);
        resolve(true);
      };
      timer = this.#options.scheduler.after(ms, () => {
        this.#waitingForChange.delete(wake);
        resolve(false);
      });
      this.#waitingForChange.add(wake);
    });
  }
}

function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}
