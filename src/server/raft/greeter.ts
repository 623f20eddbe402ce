/**
 * The handshake on the streams of the metadata quorum. The first message in each direction is a hello, which tells the sender's
 * cluster, node and directory. This class makes this node's hello and checks the hello of the peer.
 */
import { type Hello, helloFault, helloOf, type Identity } from '../../base/hello.ts';
import type { NodeId } from '../../base/ids.ts';
import type { PeerMessage } from '../../base/network.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';

const warningsMax = 100;

export class Greeter {
  readonly #identity: Identity;
  readonly #logger: Logger;
  /** The combinations of peer and reason that were logged already. */
  #warned = new Set<string>();

  constructor(identity: Identity, logger: Logger) {
    this.#identity = identity;
    this.#logger = logger;
  }

  hello(to: NodeId | null): Hello {
    return helloOf(this.#identity, to ?? -1);
  }

  /**
   * Returns the peer's identity, or the reason to end the stream, which is also logged. `expected`: the node to which this node
   * connected; null: unknown.
   */
  check(message: PeerMessage, expected: NodeId | null): ReplicaKey | string {
    const reason = this.#fault(message, expected);
    if (reason === null) {
      const { nodeId, directoryId } = message as Hello;
      return { id: nodeId, directoryId };
    }
    if (reason !== ownBoot) this.warnOnce('Refused a peer', reason);
    return reason;
  }

  #fault(message: PeerMessage, expected: NodeId | null): string | null {
    if (message.type !== 'hello') return 'the first message of the stream is not a hello';
    const hello = message as Hello;
    const identity = this.#identity;
    // A bootstrap server may be this process itself.
    if (hello.nodeId === identity.nodeId && hello.bootId === identity.bootId) return ownBoot;
    const fault = helloFault(hello, identity, expected);
    if (fault !== null) return fault;
    if (expected === null && hello.nodeId === identity.nodeId)
      return `another process uses the id of this node, ${hello.nodeId}`;
    return null;
  }

  /** Logs a warning once for each reason and peer, because peers connect again and again. */
  warnOnce(message: string, reason: string, peer?: NodeId): void {
    const key = `${peer} ${reason}`;
    if (this.#warned.has(key)) return;
    if (this.#warned.size >= warningsMax) this.#warned = new Set();
    this.#warned.add(key);
    this.#logger.warn(message, { peer, reason });
  }
}

const ownBoot = 'this node has connected to itself';
