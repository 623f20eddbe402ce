/**
 * Raft messages over the peer network. Each replica opens one stream to each other that it knows ('raft') and sends on it;
 * where it has none that is up, it answers on the stream that the other opened: a learner need not know where its leader
 * is. Snapshots go on streams of their own ('raft-bulk'). A stream that breaks, in either direction, is told as a hint.
 *
 * Bootstrap servers have addresses but no ids: streams to them are open only while this replica looks for a leader.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import type { Random } from '../../base/random.ts';
import { MalformedError } from '../../raft/bytes.ts';
import type { InstallSnapshot, JoinRequest, RaftMessage } from '../../raft/messages.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import { decodeMessage, encodeMessage } from '../../raft/wire.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { decodeHello, encodeHello } from './hello.ts';
import { PeerLink } from './peer-link.ts';
import { sendSnapshot, SnapshotDownloads } from './snapshot-stream.ts';

export interface TransportOptions {
  readonly me: ReplicaKey;
  readonly clusterId: string;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onMessage: (from: ReplicaKey, message: RaftMessage) => void;
  readonly onLink: (peer: NodeId, up: boolean) => void;
}

/** Bytes of hello already checked, by both sides of every channel between replicas. */
export class Greeter {
  readonly bytes: Uint8Array;
  readonly #clusterId: string;
  readonly #me: NodeId;
  readonly #bootId: number;
  readonly #logger: Logger;
  #complained = new Set<string>();

  constructor(options: { me: ReplicaKey; clusterId: string; random: Random; logger: Logger }) {
    const { me, clusterId, random, logger } = options;
    this.#bootId = random.u32();
    this.bytes = encodeHello({ clusterId, from: me, bootId: this.#bootId });
    this.#clusterId = clusterId;
    this.#me = me.id;
    this.#logger = logger;
  }

  /** Who speaks; null, and a line in the log, when it isn't who it should be. */
  check(bytes: Uint8Array, expected: NodeId | null): ReplicaKey | null {
    try {
      const { from, bootId } = decodeHello(bytes, this.#clusterId);
      // One of the bootstrap servers is this process itself.
      if (from.id === this.#me && bootId === this.#bootId) return null;
      if (expected !== null && from.id !== expected) {
        throw new MalformedError(`node ${from.id} answers where node ${expected} is configured`);
      }
      if (expected === null && from.id === this.#me) {
        throw new MalformedError(`another process uses the id of this node, ${from.id}`);
      }
      return from;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.complain('A peer was refused', error.message);
      return null;
    }
  }

  /** Once for each reason: peers try again and again. */
  complain(message: string, reason: string): void {
    if (this.#complained.has(reason)) return;
    if (this.#complained.size >= 100) this.#complained = new Set();
    this.#complained.add(reason);
    this.#logger.warn(message, { reason });
  }
}

export class RaftTransport {
  readonly #options: TransportOptions;
  readonly #greeter: Greeter;
  readonly #links = new Map<NodeId, PeerLink>();
  /** By address, while a leader is looked for. */
  readonly #seeds = new Map<string, PeerLink>();
  readonly #incoming = new Set<MessageStream>();
  /** The 'raft' streams that each peer opened, the last one last. Usually one; more while it looks for a leader or opens anew. */
  readonly #opened = new Map<NodeId, MessageStream[]>();
  readonly #downloads: SnapshotDownloads;
  #stopped = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#greeter = new Greeter(options);
    this.#downloads = new SnapshotDownloads(options.onMessage);
    options.peers.accept('raft', (stream) => this.#accept(stream, (from) => this.#messages(stream, from)));
    options.peers.accept('raft-bulk', (stream) =>
      this.#accept(stream, (from) => this.#snapshots(stream, from)),
    );
  }

  /** Where the other voters and this leader's learners are; links are opened, kept and closed accordingly. */
  setPeers(addresses: ReadonlyMap<NodeId, Address>): void {
    if (this.#stopped) return;
    for (const [id, link] of this.#links) {
      const address = addresses.get(id);
      if (address?.host === link.address.host && address.port === link.address.port) continue;
      link.stop();
      this.#links.delete(id);
    }
    for (const [id, address] of addresses) {
      if (id === this.#options.me.id || this.#links.has(id)) continue;
      this.#links.set(
        id,
        this.#link(id, address, () => this.#options.onLink(id, true)),
      );
    }
  }

  /** Says it to each of the bootstrap servers that isn't linked already; streams are opened when there are none. */
  announce(servers: readonly Address[], message: JoinRequest): void {
    if (this.#stopped) return;
    const bytes = encodeMessage(message);
    const linked = new Set([...this.#links.values()].map(({ address }) => `${address.host}:${address.port}`));
    for (const address of servers) {
      const name = `${address.host}:${address.port}`;
      if (linked.has(name)) continue;
      let seed = this.#seeds.get(name);
      if (seed === undefined) {
        seed = this.#link(null, address, () => this.#seeds.get(name)?.send(bytes));
        this.#seeds.set(name, seed);
      }
      seed.send(bytes);
    }
  }

  /** A leader is known. */
  endAnnouncing(): void {
    if (this.#seeds.size === 0) return;
    for (const seed of this.#seeds.values()) seed.stop();
    this.#seeds.clear();
  }

  #link(peer: NodeId | null, address: Address, onUp: () => void): PeerLink {
    const { peers, scheduler, random, onMessage, onLink, logger } = this.#options;
    return new PeerLink({
      peer,
      address,
      peers,
      scheduler,
      random,
      hello: () => this.#greeter.bytes,
      checkHello: (bytes, expected) => this.#greeter.check(bytes, expected),
      onMessage: (stream, from, bytes) =>
        this.#guard(stream, from, () => onMessage(from, decodeMessage(bytes))),
      onUp: (key) => {
        logger.debug('Connected to a controller', { peer: key.id });
        onUp();
      },
      onDown: () => {
        logger.debug('The stream to a controller broke', { peer, ...address });
        if (peer !== null) onLink(peer, false);
      },
    });
  }

  send(to: NodeId, message: Exclude<RaftMessage, InstallSnapshot>): void {
    const link = this.#links.get(to);
    if (link?.up === true) link.send(encodeMessage(message));
    else this.#opened.get(to)?.at(-1)?.send(encodeMessage(message));
  }

  /** Resolves to whether it arrived. */
  async sendSnapshot(to: NodeId, snapshot: InstallSnapshot): Promise<boolean> {
    const link = this.#links.get(to);
    if (link === undefined || !link.up) return false;
    return sendSnapshot({
      stream: this.#options.peers.open(link.address, 'raft-bulk'),
      hello: this.#greeter.bytes,
      checkHello: (bytes) => this.#greeter.check(bytes, to) !== null,
      snapshot,
      scheduler: this.#options.scheduler,
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const link of this.#links.values()) link.stop();
    this.endAnnouncing();
    for (const stream of this.#incoming) stream.close();
    this.#links.clear();
    this.#incoming.clear();
    this.#opened.clear();
  }

  /** `greeted` sets the stream's handlers for what follows the hello. */
  #accept(stream: MessageStream, greeted: (from: ReplicaKey) => void): void {
    if (this.#stopped) {
      stream.close();
      return;
    }
    this.#incoming.add(stream);
    stream.onDrain = () => {};
    stream.onClose = () => this.#incoming.delete(stream);
    stream.onMessage = (bytes) => {
      const from = this.#greeter.check(bytes, null);
      if (from === null) {
        stream.close();
        return;
      }
      stream.send(this.#greeter.bytes);
      greeted(from);
    };
  }

  #messages(stream: MessageStream, from: ReplicaKey): void {
    const { onMessage, onLink } = this.#options;
    this.#opened.set(from.id, [...(this.#opened.get(from.id) ?? []), stream]);
    stream.onMessage = (bytes) => {
      this.#guard(stream, from, () => onMessage(from, decodeMessage(bytes)));
    };
    stream.onClose = () => {
      this.#incoming.delete(stream);
      const left = (this.#opened.get(from.id) ?? []).filter((other) => other !== stream);
      if (left.length > 0) {
        // One of several, as when a peer has found its leader: it says nothing of the peer.
        this.#opened.set(from.id, left);
        return;
      }
      this.#opened.delete(from.id);
      if (!this.#stopped) onLink(from.id, false);
    };
    this.#links.get(from.id)?.hurry();
  }

  #snapshots(stream: MessageStream, from: ReplicaKey): void {
    stream.onMessage = (bytes) => {
      this.#guard(stream, from, () => this.#downloads.receive(stream, from, bytes));
    };
    stream.onClose = () => {
      this.#incoming.delete(stream);
      this.#downloads.closed(stream);
    };
  }

  /** What a peer sends is checked: nonsense costs it the stream, not us the process. */
  #guard(stream: MessageStream, from: ReplicaKey, handle: () => void): void {
    if (this.#stopped) return;
    try {
      handle();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#greeter.complain(`A message of node ${from.id} was refused`, error.message);
      stream.close();
    }
  }
}
