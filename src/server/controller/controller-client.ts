/**
 * Sends requests to the active controller: by a function call when it is in this process, else over one stream of the channel
 * 'controller'. This broker's heartbeats use the same stream as its requests, so when the stream ends, the controller suspects
 * that this broker's process has ended.
 *
 * The metadata log says which node is the active controller. While it knows none, the client tries the bootstrap addresses in
 * turn.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { Identity } from '../../base/hello.ts';
import { type NodeId, nodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import type { Address, PeerNetwork } from '../../base/network.ts';
import type { ControllerClient, ControllerRequestOptions } from '../../metadata/controller-port.ts';
import { controllerDeadlineMsDefault } from '../../metadata/controller-port.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import type { Infer, Init, Message, Shape } from '../../protocol/schema/fields.ts';
import type { LeaderView, MetadataLog } from '../../raft/api.ts';
import { CallLink } from '../calls/call-link.ts';
import { type Call, callBodyBytesMax, controllerChannel } from '../calls/messages.ts';
import { RequestIds } from '../calls/request-ids.ts';
import type { ControllerDriver } from './controller-driver.ts';

export interface ControllerClientOptions {
  readonly identity: Identity;
  readonly log: Pick<MetadataLog, 'leader' | 'addressOf'>;
  /** Voters, or controller.quorum.bootstrap.servers: tried in turn while no leader is known. */
  readonly bootstrap: readonly Address[];
  /** The controller in this process; null without the controller role. */
  readonly local: ControllerDriver | null;
  readonly peers: PeerNetwork;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

interface Target {
  readonly address: Address;
  /** Null: any node at the address. */
  readonly id: NodeId | null;
}

const retryMsMin = 10;
const retryMsMax = 200;
/** After this time without a response the client tries again, because another node may be the active controller. */
const attemptMsMax = 5000;

/**
 * The result of an attempt that must be made again: no controller was known, the stream broke, no response came in time, or the
 * node is not the active controller.
 */
const lost = Symbol('lost');

export class StreamControllerClient implements ControllerClient {
  readonly #options: ControllerClientOptions;
  readonly #ids = new RequestIds();
  #link: CallLink | null = null;
  #nextBootstrap = 0;
  /** The leader that a reply has named. It counts when its epoch is newer than that of the leader in the metadata log. */
  #hint: LeaderView = { id: null, epoch: -1 };
  /**
   * Bootstrap addresses at which a node of another cluster answered. Emptied when a controller of this node's cluster handles a
   * request.
   */
  readonly #foreign = new Set<string>();
  /** One of the bootstrap servers is this node itself. */
  #isAmongBootstrap = false;
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

  /**
   * Sends a request, in several attempts if necessary. All have the same id, so a controller that has handled it repeats its
   * response.
   */
  async send(
    apiKey: number,
    apiVersion: number,
    body: Uint8Array,
    options: ControllerRequestOptions = {},
  ): Promise<Uint8Array> {
    const { principal = '', clientId = '' } = options;
    const requestId = this.#ids.begin();
    try {
      return await this.#untilDeadline(
        { requestId, apiKey, apiVersion, principal, clientId, body },
        options.deadlineMs ?? controllerDeadlineMsDefault,
      );
    } finally {
      this.#ids.end(requestId);
    }
  }

  async #untilDeadline(
    request: Omit<Call, 'type' | 'lowestPendingId'>,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let retryMs = retryMsMin;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#closed) throw new KafkaError(Errors.REQUEST_TIMED_OUT);
      const call: Call = { type: 'call', lowestPendingId: this.#ids.lowestPending, ...request };
      const answer = await this.#attempt(call, leftMs);
      if (answer !== lost) return answer;
      const isChanged = await this.#changeOr(
        Math.min(retryMs, Math.max(1, deadlineMs - clock.monotonicMs())),
      );
      // When a new leader is elected, it will be active soon, so the delay begins again at its minimum.
      retryMs = isChanged ? retryMsMin : Math.min(retryMs * 2, retryMsMax);
    }
  }

  /**
   * The quorum has another leader: pending requests are sent to it now. Requests that were already sent to the new leader are
   * not sent again.
   */
  onControllerChange(leader: LeaderView): void {
    const address = leader.id === null ? null : this.#options.log.addressOf(leader.id);
    const isHere = leader.id === this.#options.identity.nodeId;
    if (address === null ? isHere : !this.#isLinkTo(address)) this.#drop();
    for (const wake of [...this.#waitingForChange]) wake();
  }

  /** Does nothing: the client is a publisher only for `onControllerChange`. */
  onMetadataUpdate(): void {}

  close(): void {
    this.#closed = true;
    this.#drop();
    for (const wake of [...this.#waitingForChange]) wake();
  }

  async #attempt(call: Call, leftMs: number): Promise<Uint8Array | typeof lost> {
    const { local } = this.#options;
    if (local?.isElected === true) return this.#attemptHere(local, call);
    const target = this.#target();
    if (target === null) return lost;
    if (call.body.length > callBodyBytesMax)
      throw new KafkaError(Errors.INVALID_REQUEST, 'The request is too large.');
    const link = this.#linkTo(target);
    const reply = await link.call(call, Math.min(leftMs, attemptMsMax));
    if (link.foreignClusterId !== null) return this.#skipForeign(target.address, link.foreignClusterId);
    if (reply === null) {
      if (link.isOpen) mark('server.slow-controller-asked-again');
      return lost;
    }
    if (reply.errorCode === 0) {
      this.#foreign.clear();
      return reply.body;
    }
    if (reply.errorCode !== Errors.NOT_CONTROLLER.code) {
      throw new KafkaError(errorOf(reply.errorCode), reply.errorMessage || undefined);
    }
    // The node is not the active controller. Its reply may name a newer leader than this node's metadata log does.
    if (reply.leaderId >= 0) this.#hint = { id: nodeId(reply.leaderId), epoch: reply.epoch };
    const next = this.#target();
    if (next === null || !sameAddress(next.address, target.address)) this.#drop();
    this.#isAmongBootstrap ||= link.isToItself;
    // The node that replied knows no leader. The next attempt goes to the next bootstrap server in two cases: the node that
    // replied was this node itself, or some bootstrap servers belong to another cluster, so that the others must be found.
    if (reply.leaderId < 0 && (link.isToItself || this.#foreign.size > 0)) this.#drop();
    return lost;
  }

  /**
   * Called when the node at `address` belongs to another cluster: the next attempt is to another bootstrap server. When a
   * majority of the bootstrap servers (without this node itself) belongs to another cluster, this node is probably
   * misconfigured: the request is refused.
   */
  #skipForeign({ host, port }: Address, clusterId: string): typeof lost {
    this.#drop();
    this.#foreign.add(`${host}:${port}`);
    const others = this.#options.bootstrap.length - (this.#isAmongBootstrap ? 1 : 0);
    if (this.#foreign.size * 2 > others)
      throw new KafkaError(
        Errors.INCONSISTENT_CLUSTER_ID,
        `Expected cluster ID ${clusterId}, but got cluster ID ${this.#options.identity.clusterId}`,
      );
    return lost;
  }

  async #attemptHere(local: ControllerDriver, call: Call): Promise<Uint8Array | typeof lost> {
    const { nodeId: id, bootId } = this.#options.identity;
    try {
      return await local.submit(call, { nodeId: id, bootId, isAwaited: () => true });
    } catch (error) {
      if (error instanceof KafkaError && error.error === Errors.NOT_CONTROLLER) return lost;
      throw error;
    }
  }

  #target(): Target | null {
    const { log, bootstrap, identity } = this.#options;
    const known = log.leader();
    const leader = this.#hint.epoch > known.epoch ? this.#hint : known;
    if (leader.id === identity.nodeId) return null;
    const address = leader.id === null ? null : log.addressOf(leader.id);
    if (address !== null) return { address, id: leader.id };
    if (this.#link !== null) return { address: this.#link.address, id: null };
    // This node knows no leader; a bootstrap server may know it.
    if (bootstrap.length === 0) return null;
    const next = bootstrap[this.#nextBootstrap % bootstrap.length] as Address;
    this.#nextBootstrap++;
    return { address: next, id: null };
  }

  #isLinkTo(address: Address): boolean {
    return this.#link !== null && sameAddress(this.#link.address, address);
  }

  #linkTo({ address, id }: Target): CallLink {
    if (this.#link?.isOpen === true && sameAddress(this.#link.address, address)) return this.#link;
    this.#drop();
    this.#link = new CallLink({ ...this.#options, channel: controllerChannel }, address, id);
    return this.#link;
  }

  #drop(): void {
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  /** Resolves to false after `ms`, or to true as soon as the active controller changes. */
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
