/**
 * The network as two ports. `Network` has byte connections for Kafka clients. `PeerNetwork` has message streams between nodes,
 * which are gRPC streams in production. `adapters/` implements both with sockets, `simulation/` in memory with faults.
 */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * One TCP or TLS connection. Its owner sets the three callbacks as soon as it gets the connection, in the same turn of the
 * event loop.
 */
export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  onData: (chunk: Uint8Array) => void;
  /** Called once, no matter which side closed the connection. */
  onClose: (error: Error | null) => void;
  /** Called when the send buffer is empty again after `write` returned false. */
  onDrain: () => void;
  /**
   * Sends all buffers in order. Returns false when the send buffer is full; then the caller should wait for `onDrain`. The
   * caller must not change the buffers afterwards.
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

/** The kinds of streams between nodes. Each is a method of the service in proto/peer.proto. */
export type ChannelName = 'raft' | 'raft-bulk' | 'observe' | 'controller' | 'broker' | 'replication';

/** A message between nodes. `type` names its kind; the other fields are those of the message of that name in proto/. */
export interface PeerMessage {
  readonly type: string;
}

/**
 * A kind of stream and the types of its messages: `C` is what the node that opened the stream sends, `S` what the node that
 * accepted it sends.
 */
export interface Channel<C extends PeerMessage = PeerMessage, S extends PeerMessage = PeerMessage> {
  readonly name: ChannelName;
  /** These two fields are never set. They only let the compiler infer `C` and `S`. */
  readonly fromOpener?: C;
  readonly fromAcceptor?: S;
}

/**
 * A stream of whole messages in both directions. Messages arrive in order until the stream breaks; a broken stream suggests,
 * but does not prove, that the peer has ended. Its owner sets the callbacks as soon as it gets the stream, in the same turn of
 * the event loop. A received message of an unknown kind is skipped; one that cannot be decoded ends the stream.
 */
export interface MessageStream<Out extends PeerMessage = PeerMessage, In extends PeerMessage = PeerMessage> {
  onMessage: (message: In) => void;
  /** Called once. `error` is null when either side ended the stream in order. */
  onClose: (error: Error | null) => void;
  /** Called when there is room again after `send` returned false. */
  onDrain: () => void;
  /**
   * Sends a message, or drops it when the stream is closed. Returns false when the peer reads more slowly than this side
   * writes; then the caller should wait for `onDrain`. A node that accepted the stream from another node may change bytes of
   * the message once `send` has returned. Otherwise the bytes must not change.
   */
  send(message: Out): boolean;
  /**
   * Ends the stream after all sent messages. When the node that accepted the stream gives a reason, the node that opened it
   * gets an error with that reason.
   */
  close(reason?: string): void;
}

export interface PeerNetwork {
  /**
   * Opens a stream and returns it at once. When no connection can be made, the stream calls `onClose`; `open` itself does not
   * fail.
   */
  open<C extends PeerMessage, S extends PeerMessage>(
    address: Address,
    channel: Channel<C, S>,
  ): MessageStream<C, S>;
  /** Accepts the streams that nodes open on a channel, on all listeners of this node. */
  accept<C extends PeerMessage, S extends PeerMessage>(
    channel: Channel<C, S>,
    onStream: (stream: MessageStream<S, C>) => void,
  ): void;
}
