/** The network faults that a test can set: cuts and delays between nodes, and closed connections of clients. */
import type { ClientDoor } from './client-door.ts';
import { checkNames, checkNode, checkTexts } from './known-names.ts';
import type { PeerHub } from './peer-hub.ts';
import type { TestNode } from './test-node.ts';
import { durationMs } from './time.ts';

/** One direction between two nodes. */
interface Way {
  readonly from: number;
  readonly to: number;
}

/**
 * The network of a cluster.
 *
 * @example
 * ```ts
 * kafka.network.cut([1], [2, 3]);
 * kafka.network.latency('20ms', { from: 2 });
 * kafka.network.heal();
 * ```
 */
export class TestNetwork {
  private readonly hub: PeerHub;
  private readonly nodes: () => readonly TestNode[];
  private readonly doors: () => readonly ClientDoor[];

  /** @internal */
  constructor(hub: PeerHub, nodes: () => readonly TestNode[], doors: () => readonly ClientDoor[]) {
    this.hub = hub;
    this.nodes = nodes;
    this.doors = doors;
  }

  /** Cuts all messages between the two sides, in both directions. Clients still reach all nodes. */
  cut(one: readonly number[], other: readonly number[]): void {
    for (const { from, to } of this.ways('network.cut', one, other)) {
      this.hub.cut(from, to);
      this.hub.cut(to, from);
    }
  }

  /** Cuts the messages of `from` to `to`; the other direction stays open. */
  cutOneWay(from: number, to: number): void {
    for (const way of this.ways('network.cutOneWay', [from], [to])) this.hub.cut(way.from, way.to);
  }

  /** Sets the delay of messages between nodes: of all, or of those from or to certain nodes. */
  latency(delay: number | string, ends: { readonly from?: number; readonly to?: number } = {}): void {
    checkNames('network.latency', ends, { from: true, to: true });
    const latencyMs = durationMs(delay);
    const ids = this.nodes().map(({ id }) => id);
    const [from, to] = [ends.from, ends.to].map((id) => (id === undefined ? ids : [id])) as [
      number[],
      number[],
    ];
    for (const way of this.ways('network.latency', from, to)) this.hub.delay(way.from, way.to, latencyMs);
  }

  /** Ends all cuts and delays at once; messages that were held back arrive. */
  heal(): void {
    this.hub.heal();
  }

  /** Closes connections of clients at once: all, or those of one client id. Returns their number. */
  disconnectClients(options: { readonly clientId?: string } = {}): number {
    checkNames('network.disconnectClients', options, { clientId: true });
    checkTexts('network.disconnectClients', options);
    const counts = this.doors().map((door) => door.disconnect(options.clientId ?? null));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The ways from the nodes of one list to those of another. Throws when there is none: the fault would do nothing. */
  private ways(what: string, from: readonly number[], to: readonly number[]): readonly Way[] {
    for (const ids of [from, to])
      if (!Array.isArray(ids))
        throw new TypeError(`${what}: a list of nodes is expected, such as [1], not ${JSON.stringify(ids)}.`);
    for (const id of [...from, ...to]) checkNode(id, this.nodes().length);
    const ways = from.flatMap((a) => to.flatMap((b) => (a === b ? [] : { from: a, to: b })));
    if (ways.length === 0)
      throw new TypeError(
        `${what}: no messages go from [${from.join(', ')}] to [${to.join(', ')}]: two different nodes are needed.`,
      );
    return ways;
  }
}
