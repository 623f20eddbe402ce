/**
 * The network as two ports: byte connections, on which Kafka clients speak, and message streams, on which our nodes speak
 * to each other (gRPC in production). Both are real in `adapters/` and faulty in `simulation/`.
 */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One TCP or TLS connection. Callbacks are set once, right after it was handed over, before any event can come. */
export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  onData: (chunk: Uint8Array) => void;
  /** Called once, whichever side closed. */
  onClose: (error: Error | null) => void;
  /** Called when the bytes that waited to be sent have left, after `write` had returned false. */
  onDrain: () => void;
  /** Sends all buffers in order; false: the send buffer is full, wait for `onDrain` before much more. The buffers must not change afterwards. */
  write(buffers: readonly Uint8Array[]): boolean;
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Listener {
  readonly address: Address;
  close(): Promise<void>;
}

export interface Network {
  /** Rejects when the address can't be had (`EADDRINUSE`, …). Port 0 takes any free port. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
  connect(address: Address, timeoutMs: number): Promise<Connection>;
}

/** The streams between nodes, each kind a method of the service in proto/peer.proto. */
export type ChannelName = 'raft' | 'raft-bulk' | 'observe' | 'controller' | 'broker' | 'replication';

/** A message between nodes: `type` names its kind, the other fields are those of the message in proto/. */
export interface PeerMessage {
  readonly type: string;
}

/** A channel with the types of what the opener of a stream sends (`C`) and of what its acceptor sends (`S`). */
export interface Channel<C extends PeerMessage = PeerMessage, S extends PeerMessage = PeerMessage> {
  readonly name: ChannelName;
  /** Never set: these two carry the types. */
  readonly fromOpener?: C;
  readonly fromAcceptor?: S;
}

/**
 * A bidirectional stream of whole messages, first in first out until it breaks. A broken stream is a hint that the peer died.
 * Callbacks are set once, right after the stream was handed over. What arrives has the fields and the types that proto/ says; a
 * message of a kind that this release does not know is skipped, one that cannot be read ends the stream.
 */
export interface MessageStream<Out extends PeerMessage = PeerMessage, In extends PeerMessage = PeerMessage> {
  onMessage: (message: In) => void;
  /** Called once. `error` is null after a clean end by either side. */
  onClose: (error: Error | null) => void;
  /** Called when there is room again, after `send` had returned false. */
  onDrain: () => void;
  /**
   * False: the peer reads slower than we write; wait for `onDrain`. A message sent on a closed stream is dropped. Bytes in the
   * message may change once `send` has returned.
   */
  send(message: Out): boolean;
  /** Ends the stream after what was sent. With a reason the acceptor of a stream refuses it: the opener sees an error that says why. */
  close(reason?: string): void;
}

export interface PeerNetwork {
  /** Opens a stream; it may break before the first message, then `onClose` says so: there is no separate connect error. */
  open<C extends PeerMessage, S extends PeerMessage>(
    address: Address,
    channel: Channel<C, S>,
  ): MessageStream<C, S>;
  /** Takes the streams that peers open on a channel, on every listener of this node. */
  accept<C extends PeerMessage, S extends PeerMessage>(
    channel: Channel<C, S>,
    onStream: (stream: MessageStream<S, C>) => void,
  ): void;
}
