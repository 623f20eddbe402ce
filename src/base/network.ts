/**
 * The network as two ports: byte connections, for Kafka clients, and message streams, for nodes among each other (gRPC in
 * production). The real ones are in `adapters/`, those with faults in `simulation/`.
 */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One TCP or TLS connection. Callbacks must be set right after it was passed to the owner, before any event can come. */
export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  onData: (chunk: Uint8Array) => void;
  /** Called once, whichever side closed. */
  onClose: (error: Error | null) => void;
  /** Called when the send buffer has drained, after `write` had returned false. */
  onDrain: () => void;
  /**
   * Sends all buffers in order. Returns false when the send buffer is full; the caller should wait for `onDrain`. The buffers must
   * not change afterwards.
   */
  write(buffers: readonly Uint8Array[]): boolean;
  pause(): void;
  resume(): void;
  /** Sends all written bytes, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Listener {
  readonly address: Address;
  close(): Promise<void>;
}

export interface Network {
  /** Rejects when the address cannot be bound (`EADDRINUSE`, …). Port 0 means any free port. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
  connect(address: Address, timeoutMs: number): Promise<Connection>;
}

/** The streams between nodes, each kind a method of the service in proto/peer.proto. */
export type ChannelName = 'raft' | 'raft-bulk' | 'observe' | 'controller' | 'broker' | 'replication';

/** A message between nodes: `type` is its kind, the other fields are those of the message in proto/. */
export interface PeerMessage {
  readonly type: string;
}

/** A channel with the types of the messages that the opener of a stream sends (`C`) and that its acceptor sends (`S`). */
export interface Channel<C extends PeerMessage = PeerMessage, S extends PeerMessage = PeerMessage> {
  readonly name: ChannelName;
  /** Never set: these two fields only carry the types. */
  readonly fromOpener?: C;
  readonly fromAcceptor?: S;
}

/**
 * A bidirectional stream of whole messages, first in first out until it breaks. A broken stream is a hint that the peer ended.
 * Callbacks must be set right after the stream was passed to the owner. Received messages have the fields and types of proto/; a
 * message of an unknown kind is skipped, one that cannot be decoded ends the stream.
 */
export interface MessageStream<Out extends PeerMessage = PeerMessage, In extends PeerMessage = PeerMessage> {
  onMessage: (message: In) => void;
  /** Called once. `error` is null after a clean end by either side. */
  onClose: (error: Error | null) => void;
  /** Called when there is room again, after `send` had returned false. */
  onDrain: () => void;
  /**
   * Returns false when the peer reads more slowly than this side writes; the caller should wait for `onDrain`. A message sent on a
   * closed stream is dropped. Bytes in the message may change once `send` has returned.
   */
  send(message: Out): boolean;
  /**
   * Ends the stream after all sent messages. With a reason the acceptor refuses the stream: the opener gets an error with the
   * reason.
   */
  close(reason?: string): void;
}

export interface PeerNetwork {
  /** Opens a stream. It may break before the first message; then `onClose` is called, there is no separate connect error. */
  open<C extends PeerMessage, S extends PeerMessage>(
    address: Address,
    channel: Channel<C, S>,
  ): MessageStream<C, S>;
  /** Accepts the streams that peers open on a channel, on every listener of this node. */
  accept<C extends PeerMessage, S extends PeerMessage>(
    channel: Channel<C, S>,
    onStream: (stream: MessageStream<S, C>) => void,
  ): void;
}
