/**
 * The in-memory network between the nodes of a test cluster. It carries message streams to the node that listens on an address.
 * Messages arrive in order, in a later turn of the event loop. While a direction is cut, its messages wait until it is healed,
 * as with TCP.
 */
import type { Address, Channel, MessageStream, PeerNetwork } from '../../base/network.ts';
import type { Life } from './life.ts';
import type { TestTime } from './time.ts';

type Message = Parameters<MessageStream['send']>[0];

interface Member {
  readonly id: number;
  readonly life: Life;
  readonly acceptors: Map<Channel, (stream: MessageStream) => void>;
}

/** Something that is delivered to one end of a stream: a message, the new stream itself, or its end. */
type Parcel = () => void;

function nothing(): void {}

class End implements MessageStream {
  onMessage: (message: Message) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  peer: End | null = null;
  isClosed = false;
  readonly owner: Member;
  private readonly hub: PeerHub;

  constructor(owner: Member, hub: PeerHub) {
    this.owner = owner;
    this.hub = hub;
  }

  send(message: Message): boolean {
    const { peer } = this;
    if (!this.isClosed && peer !== null) {
      this.hub.carry(this.owner, peer.owner, () => {
        if (!peer.isClosed) peer.onMessage(message);
      });
    }
    return true;
  }

  close(): void {
    if (this.isClosed) return;
    this.finish(null);
    const { peer } = this;
    if (peer !== null) this.hub.carry(this.owner, peer.owner, () => peer.finish(null));
  }

  finish(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.hub.forget(this);
    this.owner.life.soon(() => this.onClose(error));
  }
}

/** One direction between two nodes: its faults, and what waits to be delivered. */
interface Way {
  isCut: boolean;
  latencyMs: number;
  readonly queue: { parcel: Parcel; to: Member }[];
  isScheduled: boolean;
}

export class PeerHub {
  private readonly time: TestTime;
  private readonly members = new Map<number, Member>();
  /** By port: the id of the node that listens on it. */
  private readonly ports = new Map<number, number>();
  private readonly ends = new Set<End>();
  private readonly ways = new Map<string, Way>();

  constructor(time: TestTime) {
    this.time = time;
  }

  /** Records that node `id` listens on `port`. */
  route(port: number, id: number): void {
    this.ports.set(port, id);
  }

  /** The network of a new incarnation of node `id`. */
  join(id: number, life: Life): PeerNetwork {
    const member: Member = { id, life, acceptors: new Map() };
    this.members.set(id, member);
    life.onEnd(() => this.leave(member));
    return {
      open: (address, channel) => this.open(member, address, channel),
      accept: (channel, onStream) => {
        member.acceptors.set(channel, onStream);
      },
    };
  }

  /** Holds back messages from one node to another, until `heal`. */
  cut(from: number, to: number): void {
    this.way(from, to).isCut = true;
  }

  /** Sets the delay of messages from one node to another. */
  delay(from: number, to: number, latencyMs: number): void {
    this.way(from, to).latencyMs = latencyMs;
  }

  heal(): void {
    for (const way of this.ways.values()) {
      way.isCut = false;
      way.latencyMs = 0;
      this.schedule(way);
    }
  }

  carry(from: Member, to: Member, parcel: Parcel): void {
    const way = this.way(from.id, to.id);
    way.queue.push({ parcel, to });
    this.time.happened();
    this.schedule(way);
  }

  forget(end: End): void {
    this.ends.delete(end);
  }

  private open(from: Member, address: Address, channel: Channel): MessageStream {
    const here = new End(from, this);
    this.ends.add(here);
    const id = this.ports.get(address.port);
    const to = id === undefined ? undefined : this.members.get(id);
    if (to === undefined) {
      here.finish(
        Object.assign(new Error(`no node listens on port ${address.port}`), { code: 'ECONNREFUSED' }),
      );
      return here;
    }
    const there = new End(to, this);
    here.peer = there;
    there.peer = here;
    this.ends.add(there);
    this.carry(from, to, () => {
      const accept = to.acceptors.get(channel);
      if (accept === undefined) there.close();
      else accept(there);
    });
    return here;
  }

  private leave(member: Member): void {
    if (this.members.get(member.id) === member) this.members.delete(member.id);
    for (const end of [...this.ends]) {
      if (end.owner !== member) continue;
      this.ends.delete(end);
      end.isClosed = true;
      const { peer } = end;
      if (peer === null || peer.owner === member) continue;
      this.carry(member, peer.owner, () => peer.finish(new Error(`node ${member.id} is gone`)));
    }
  }

  private way(from: number, to: number): Way {
    const key = `${from}>${to}`;
    let way = this.ways.get(key);
    if (way === undefined) {
      way = { isCut: false, latencyMs: 0, queue: [], isScheduled: false };
      this.ways.set(key, way);
    }
    return way;
  }

  private schedule(way: Way): void {
    if (way.isScheduled || way.isCut || way.queue.length === 0) return;
    way.isScheduled = true;
    const deliver = (): void => {
      way.isScheduled = false;
      if (way.isCut) return;
      for (const { parcel, to } of way.queue.splice(0)) to.life.perform(parcel);
      this.schedule(way);
    };
    if (way.latencyMs > 0) this.time.after(way.latencyMs, deliver);
    else this.time.soon(deliver);
  }
}
