/**
 * The simulated network: it implements the ports `Network` (byte connections) and `PeerNetwork` (message streams). It has
 * latency, cuts of one direction, resets, and breaks the streams of a process that ends. The address of a host is its name.
 *
 * When a process is killed, its streams are reset at once, as an operating system does. After a power cut, or across a cut
 * link, the peer receives nothing. It detects the break by its own time-outs, or when the restarted machine answers a
 * retransmitted packet with a reset.
 */
import type {
  Address,
  Channel,
  ChannelName,
  Connection,
  Listener,
  MessageStream,
  Network,
  PeerMessage,
  PeerNetwork,
} from '../base/network.ts';
import type { Incarnation, SimulatedHost } from './host.ts';
import { Link, type LinkEnd, type LinkFaults, Partitions } from './link.ts';
import type { SeededRandom } from './random.ts';
import { StreamConnection, StreamEnd } from './stream-end.ts';
import type { World } from './world.ts';

interface Accept {
  readonly place: LinkEnd;
  readonly onConnection: (connection: Connection) => void;
}

interface Pair {
  readonly ends: readonly [StreamEnd, StreamEnd];
  readonly links: readonly [Link, Link];
}

/** The mean time after which data that was sent to a machine without power is sent again to the restarted machine. */
const retransmissionMeanMs = 100;

function systemError(code: string, text: string): Error {
  return Object.assign(new Error(`${text} ${code}`), { code });
}

export class SimulatedNetwork {
  readonly partitions = new Partitions();
  readonly faults: LinkFaults = { latencyMinMs: 0.1, latencyMeanMs: 0.4 };
  private readonly world: World;
  private readonly random: SeededRandom;
  private readonly retransmissions: SeededRandom;
  private readonly listeners = new Map<string, Accept>();
  private readonly channels = new Map<string, { place: LinkEnd; onStream: (stream: StreamEnd) => void }>();
  private readonly pairs = new Set<Pair>();
  /**
   * Ends of streams whose peer lost power. They break when the peer's machine is back: it resets connections that it does not
   * know.
   */
  private readonly halfOpen: { end: StreamEnd; lost: Incarnation }[] = [];
  private nextPort = 20_000;

  constructor(world: World) {
    this.world = world;
    this.random = world.random.fork('network');
    this.retransmissions = world.random.fork('retransmissions');
  }

  /** The network ports of one incarnation of a host. */
  join(host: SimulatedHost, life: Incarnation): { network: Network; peers: PeerNetwork } {
    const place = { host, life };
    for (const { end, lost } of this.halfOpen.splice(0)) {
      if (lost.host === host) this.tellOnceReached(end, host.name);
      else this.halfOpen.push({ end, lost });
    }
    return {
      network: {
        listen: async (address, onConnection) => this.listen(place, address, onConnection),
        connect: (address, timeoutMs) => this.connect(place, address, timeoutMs),
      },
      peers: {
        open: <C extends PeerMessage, S extends PeerMessage>(address: Address, channel: Channel<C, S>) =>
          this.open(place, address, channel.name) as unknown as MessageStream<C, S>,
        accept: <C extends PeerMessage, S extends PeerMessage>(
          channel: Channel<C, S>,
          onStream: (stream: MessageStream<S, C>) => void,
        ) => {
          const key = `${host.name}/${channel.name}`;
          this.channels.set(key, { place, onStream: onStream as unknown as (stream: StreamEnd) => void });
        },
      },
    };
  }

  /**
   * Breaks every stream of an incarnation that ended: at once when the process was killed, without notice when the power was
   * cut.
   */
  crashed(life: Incarnation, wasKilled: boolean): void {
    for (const pair of this.pairs) {
      const own = pair.ends.find((end) => end.place.life === life);
      const other = pair.ends.find((end) => end.place.life !== life);
      if (own === undefined) continue;
      const isHeard = wasKilled && !this.partitions.isCut(life.host.name, other?.place.host.name ?? '');
      this.breakPair(pair, isHeard ? (other ?? null) : null);
      if (!isHeard && other !== undefined) this.halfOpen.push({ end: other, lost: life });
    }
    for (const [key, accept] of this.listeners) if (accept.place.life === life) this.listeners.delete(key);
    for (const [key, accept] of this.channels) if (accept.place.life === life) this.channels.delete(key);
  }

  /** Cuts the given directions between hosts for `durationMs`. */
  cutFor(directions: readonly (readonly [from: string, to: string])[], durationMs: number): void {
    const ends = directions.map(([from, to]) => this.partitions.cut(from, to));
    this.world.schedule(durationMs, null, () => {
      for (const end of ends) end();
    });
  }

  /** Resets a random stream between two hosts, when there is one. */
  resetSome(): void {
    const all = [...this.pairs];
    const pair = all[this.random.u32() % Math.max(1, all.length)];
    if (pair !== undefined) this.reset(pair);
  }

  /** Resets all streams between two hosts. */
  resetBetween(one: SimulatedHost, other: SimulatedHost): void {
    for (const pair of [...this.pairs]) {
      const hosts = pair.ends.map(({ place }) => place.host);
      if (hosts.includes(one) && hosts.includes(other)) this.reset(pair);
    }
  }

  private reset(pair: Pair): void {
    this.pairs.delete(pair);
    for (const link of pair.links) link.drop();
    for (const end of pair.ends) this.tell(end, systemError('ECONNRESET', 'read'));
  }

  private listen(place: LinkEnd, wanted: Address, onConnection: (connection: Connection) => void): Listener {
    const address = { host: place.host.name, port: wanted.port === 0 ? this.nextPort++ : wanted.port };
    const key = `${address.host}:${address.port}`;
    if (this.listeners.has(key)) throw systemError('EADDRINUSE', 'listen');
    this.listeners.set(key, { place, onConnection });
    return {
      address,
      close: async (): Promise<void> => {
        this.listeners.delete(key);
      },
    };
  }

  private connect(place: LinkEnd, address: Address, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        const accept = this.listeners.get(`${address.host}:${address.port}`);
        if (accept === undefined)
          return reject(systemError('ECONNREFUSED', `connect ${address.host}:${address.port}`));
        const [ours, theirs] = this.pair(place, accept.place).ends;
        const local = { host: place.host.name, port: this.nextPort++ };
        accept.place.host.perform(accept.place.life, () =>
          accept.onConnection(new StreamConnection(theirs, address, local)),
        );
        resolve(new StreamConnection(ours, local, address));
      };
      if (this.isCut(place.host.name, address.host)) {
        place.life.after(timeoutMs, () =>
          reject(systemError('ETIMEDOUT', `connect ${address.host}:${address.port}`)),
        );
      } else place.life.after(this.faults.latencyMinMs, attempt);
    });
  }

  private open(place: LinkEnd, address: Address, channel: ChannelName): StreamEnd {
    const accept = this.channels.get(`${address.host}/${channel}`);
    const isListening = this.listeners.has(`${address.host}:${address.port}`);
    if (accept === undefined || !isListening || this.isCut(place.host.name, address.host)) {
      const [lost] = this.pair(place, place).ends;
      lost.close = (): void => {};
      place.life.after(this.faults.latencyMinMs, () => lost.closed(systemError('ECONNREFUSED', 'connect')));
      return lost;
    }
    const [ours, theirs] = this.pair(place, accept.place).ends;
    accept.place.life.soon(() => accept.onStream(theirs));
    return ours;
  }

  private pair(from: LinkEnd, to: LinkEnd): Pair {
    const there = new Link(this.world, from, to, this.partitions, this.faults, this.random);
    const back = new Link(this.world, to, from, this.partitions, this.faults, this.random);
    const shut = (end: StreamEnd, error: Error | null): void => {
      this.pairs.delete(pair);
      const [first, second] = pair.ends;
      const [out, other] = end === first ? [there, second] : [back, first];
      out.finish(() => other.closed(error));
    };
    const pair: Pair = {
      ends: [new StreamEnd(from, there, back, shut), new StreamEnd(to, back, there, shut)],
      links: [there, back],
    };
    if (from !== to) this.pairs.add(pair);
    return pair;
  }

  private breakPair(pair: Pair, survivor: StreamEnd | null): void {
    this.pairs.delete(pair);
    for (const link of pair.links) link.drop();
    if (survivor !== null) this.tell(survivor, systemError('ECONNRESET', 'read'));
  }

  private tell(end: StreamEnd, error: Error): void {
    this.world.schedule(this.faults.latencyMinMs, end.place.life, () => end.closed(error));
  }

  private tellOnceReached(end: StreamEnd, from: string): void {
    this.world.schedule(this.retransmissions.exponential(retransmissionMeanMs), null, () => {
      if (this.isCut(from, end.place.host.name)) this.tellOnceReached(end, from);
      else this.tell(end, systemError('ECONNRESET', 'read'));
    });
  }

  private isCut(from: string, to: string): boolean {
    return this.partitions.isCut(from, to) || this.partitions.isCut(to, from);
  }
}
