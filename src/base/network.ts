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
  /** Called once, whoever closed. */
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

/** What our nodes say to each other, each on a stream of its own so that bulk never delays a heartbeat. */
export type Channel = 'raft' | 'raft-bulk' | 'observe' | 'controller' | 'broker' | 'replication';

/**
 * A bidirectional stream of whole messages, first in first out until it breaks. A broken stream is a hint that the peer died.
 * Callbacks are set once, right after the stream was handed over.
 */
export interface MessageStream {
  onMessage: (message: Uint8Array) => void;
  /** Called once. `error` is null after a clean end by either side. */
  onClose: (error: Error | null) => void;
  /** Called when there is room again, after `send` had returned false. */
  onDrain: () => void;
  /** False: the peer reads slower than we write; wait for `onDrain`. A message sent on a closed stream is dropped. */
  send(message: Uint8Array): boolean;
  close(): void;
}

export interface PeerNetwork {
  /** Opens a stream; it may break before the first message, then `onClose` says so: there is no separate connect error. */
  open(address: Address, channel: Channel): MessageStream;
  /** Takes the streams that peers open on a channel, on every listener of this node. */
  accept(channel: Channel, onStream: (stream: MessageStream) => void): void;
}
