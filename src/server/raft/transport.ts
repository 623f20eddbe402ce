/**
 * Sends and receives Raft messages over the peer network. Each controller opens one 'raft' stream to each controller that it
 * knows, and sends on it. While it has none open, it sends on the stream that the peer has opened; so a leader can respond to a
 * learner whose address it does not know. Snapshots have streams of their own ('raft-bulk'). When the 'raft' stream to a peer
 * breaks, or the last one that the peer has opened, the core gets the input `linkDown`: the peer may have ended.
 *
 * Bootstrap servers have addresses but no ids; streams to them are open only while this replica looks for a leader.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerMessage, PeerNetwork } from '../../base/network.ts';
import type { Identity } from '../../base/hello.ts';
import { MalformedError } from '../../base/protobuf.ts';
import type { Random } from '../../base/random.ts';
import {
  faultOf,
  type InstallSnapshot,
  type JoinRequest,
  type RaftMessage,
  type StreamedMessage,
} from '../../raft/messages.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  type RaftFrame,
  raftChannel,
  snapshotChannel,
  type SnapshotFrame,
  type SnapshotReply,
} from './channels.ts';
import { Greeter } from './greeter.ts';
import { PeerLink } from './peer-link.ts';
import { sendSnapshot, SnapshotDownloads } from './snapshot-stream.ts';

export interface TransportOptions {
  readonly identity: Identity;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onMessage: (from: ReplicaKey, message: RaftMessage) => void;
  /** Whether this replica follows `from`: only then does it receive a snapshot. */
  readonly isLeader: (from: ReplicaKey) => boolean;
  readonly onLink: (peer: NodeId, up: boolean) => void;
}

type RaftStream = MessageStream<RaftFrame, RaftFrame>;
type SnapshotStream = MessageStream<SnapshotReply, SnapshotFrame>;
type IncomingStream = RaftStream | SnapshotStream;

export class RaftTransport {
  readonly #options: TransportOptions;
  readonly #greeter: Greeter;
  readonly #links = new Map<NodeId, PeerLink>();
  /** Streams to bootstrap servers, by address; open only while this replica looks for a leader. */
  readonly #seeds = new Map<string, PeerLink>();
  readonly #incoming = new Set<IncomingStream>();
  /**
   * By peer: the 'raft' streams that the peer has opened, the newest last. There is usually one; there are more while the peer
   * looks for a leader or connects again.
   */
  readonly #opened = new Map<NodeId, RaftStream[]>();
  readonly #downloads: SnapshotDownloads;
  #stopped = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#greeter = new Greeter(options.identity, options.logger);
    this.#downloads = new SnapshotDownloads(options);
    options.peers.accept(raftChannel, (stream) =>
      this.#accept(stream, (from) => this.#messages(stream, from)),
    );
    options.peers.accept(snapshotChannel, (stream) =>
      this.#accept(stream, (from) => this.#snapshots(stream, from)),
    );
  }

  /** Opens and closes links so that there is one for each of `addresses`: the other voters, and the learners of this leader. */
  setPeers(addresses: ReadonlyMap<NodeId, Address>): void {
    if (this.#stopped) return;
    for (const [id, link] of this.#links) {
      const address = addresses.get(id);
      if (address?.host === link.address.host && address.port === link.address.port) continue;
      link.stop();
      this.#links.delete(id);
    }
    for (const [id, address] of addresses) {
      if (id === this.#options.identity.nodeId || this.#links.has(id)) continue;
      this.#links.set(
        id,
        this.#link(id, address, () => this.#options.onLink(id, true)),
      );
    }
  }

  /** Sends a message to every bootstrap server that is not the address of a known peer. Opens the streams for that. */
  announce(servers: readonly Address[], message: JoinRequest): void {
    if (this.#stopped) return;
    const linked = new Set([...this.#links.values()].map(({ address }) => `${address.host}:${address.port}`));
    for (const address of servers) {
      const name = `${address.host}:${address.port}`;
      if (linked.has(name)) continue;
      let seed = this.#seeds.get(name);
      if (seed === undefined) {
        seed = this.#link(null, address, () => this.#seeds.get(name)?.send(message));
        this.#seeds.set(name, seed);
      }
      seed.send(message);
    }
  }

  /** Closes the streams to bootstrap servers, because a leader is known. */
  endAnnouncing(): void {
    if (this.#seeds.size === 0) return;
    for (const seed of this.#seeds.values()) seed.stop();
    this.#seeds.clear();
  }

  #link(peer: NodeId | null, address: Address, onUp: () => void): PeerLink {
    const { peers, scheduler, random, onLink, logger } = this.#options;
    return new PeerLink({
      peer,
      address,
      peers,
      scheduler,
      random,
      greeter: this.#greeter,
      onMessage: (stream, from, message) => this.#receive(stream, from, message),
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

  send(to: NodeId, message: StreamedMessage): void {
    const link = this.#links.get(to);
    if (link?.up === true) link.send(message);
    else this.#opened.get(to)?.at(-1)?.send(message);
  }

  /** Sends a snapshot. Resolves to true when the receiver has it, to false when the stream broke. */
  async sendSnapshot(to: NodeId, snapshot: InstallSnapshot): Promise<boolean> {
    const link = this.#links.get(to);
    if (link === undefined || !link.up) return false;
    return sendSnapshot({
      stream: this.#options.peers.open(link.address, snapshotChannel),
      greeter: this.#greeter,
      to,
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

  /** Waits for the hello on a stream that a peer has opened, then calls `greeted`, which sets the stream's handlers. */
  #accept<S extends IncomingStream>(stream: S, greeted: (from: ReplicaKey) => void): void {
    if (this.#stopped) {
      stream.close();
      return;
    }
    this.#incoming.add(stream);
    stream.onDrain = () => {};
    stream.onClose = () => this.#incoming.delete(stream);
    stream.onMessage = (message: PeerMessage) => {
      const from = this.#greeter.check(message, null);
      if (typeof from === 'string') {
        stream.close(from);
        return;
      }
      stream.send(this.#greeter.hello(from.id));
      greeted(from);
    };
  }

  #messages(stream: RaftStream, from: ReplicaKey): void {
    const { onLink } = this.#options;
    this.#opened.set(from.id, [...(this.#opened.get(from.id) ?? []), stream]);
    stream.onMessage = (message) => this.#receive(stream, from, message);
    stream.onClose = () => {
      this.#incoming.delete(stream);
      const left = (this.#opened.get(from.id) ?? []).filter((other) => other !== stream);
      if (left.length > 0) {
        // The peer has other streams open, for example because it has found a leader and closed those to bootstrap servers. So
        // the end of this one does not mean that the peer is down.
        this.#opened.set(from.id, left);
        return;
      }
      this.#opened.delete(from.id);
      if (!this.#stopped) onLink(from.id, false);
    };
    this.#links.get(from.id)?.reconnectNow();
  }

  #snapshots(stream: SnapshotStream, from: ReplicaKey): void {
    stream.onMessage = (message) => {
      if (this.#stopped) return;
      try {
        this.#downloads.receive(stream, from, message);
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        this.#refuse(stream, from, error.message);
      }
    };
    stream.onClose = () => {
      this.#incoming.delete(stream);
      this.#downloads.closed(stream);
    };
  }

  /** Checks a message and passes it on. An invalid message ends its stream and no other. */
  #receive(stream: RaftStream, from: ReplicaKey, message: RaftFrame): void {
    if (this.#stopped) return;
    const fault = message.type === 'hello' ? 'a second hello' : faultOf(message);
    if (fault !== null) this.#refuse(stream, from, fault);
    else if (message.type !== 'hello') this.#options.onMessage(from, message);
  }

  #refuse(stream: IncomingStream, from: ReplicaKey, reason: string): void {
    this.#greeter.warnOnce('A message of a peer was refused', reason, from.id);
    stream.close(reason);
  }
}
