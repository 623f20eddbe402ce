/** Network faults of a test: between nodes (cut or slow directions), and on the connections of clients. */
import type { ClientDoor } from './client-door.ts';
import { checkNames, checkTexts } from './known-names.ts';
import type { PeerHub } from './peer-hub.ts';
import type { TestNode } from './test-node.ts';
import { durationMs } from './time.ts';

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
    for (const a of this.known(one))
      for (const b of this.known(other)) {
        this.hub.cut(a, b);
        this.hub.cut(b, a);
      }
  }

  /** Cuts the messages of `from` to `to`; the other direction stays open. */
  cutOneWay(from: number, to: number): void {
    this.known([from, to]);
    this.hub.cut(from, to);
  }

  /** Sets the delay of messages between nodes: of all, or of those from or to certain nodes. */
  latency(delay: number | string, ends: { readonly from?: number; readonly to?: number } = {}): void {
    checkNames('network.latency', ends, { from: true, to: true });
    const latencyMs = durationMs(delay);
    const ids = this.nodes().map(({ id }) => id);
    for (const from of ends.from === undefined ? ids : this.known([ends.from]))
      for (const to of ends.to === undefined ? ids : this.known([ends.to]))
        if (from !== to) this.hub.delay(from, to, latencyMs);
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

  private known(ids: readonly number[]): readonly number[] {
    if (!Array.isArray(ids))
      throw new TypeError(`A list of nodes is expected, such as [1], not ${JSON.stringify(ids)}.`);
    const all = this.nodes().map(({ id }) => id);
    const stranger = ids.find((id) => !all.includes(id));
    if (stranger !== undefined)
      throw new RangeError(`There is no node ${stranger}; nodes are 1 to ${all.length}.`);
    return ids;
  }
}
