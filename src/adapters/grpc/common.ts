/**
 * What the gRPC client and the gRPC server have in common: options, limits, and the message stream that both make of a gRPC
 * call.
 */
import type { ChannelOptions } from '@grpc/grpc-js';
import type * as GrpcModule from '@grpc/grpc-js';
import type { MessageStream, PeerMessage } from '../../base/network.ts';
import type { PeerService } from '../../wire/service.ts';

const mebibyte = 1024 * 1024;

/** gRPC, and the codecs of our messages. Both are loaded at the first connection to another node. */
export interface GrpcParts {
  readonly grpc: typeof GrpcModule;
  readonly service: PeerService;
}

/**
 * The largest message that a node may send on a stream that it opened. Entries of the metadata log have up to 8 MiB and calls
 * up to 16 MiB. The limit matters because any client that reaches the port can send such a message: it is decoded before the
 * hello is checked.
 */
export const peerRequestBytesMax = 24 * mebibyte;
/** The most bytes that a push has besides its largest record batch. */
export const pushOverheadBytes = 8 * mebibyte;
/**
 * The bytes that the accepting node may send before the opening node has read them. Records flow in this direction, so the
 * window is large.
 */
const clientWindowBytes = 8 * mebibyte;
/**
 * `send` returns false when this many bytes of a stream are queued. When no more than `sendLowBytes` are left, `onDrain` is
 * called.
 */
const sendHighBytes = 4 * 1024 * 1024;
const sendLowBytes = 1024 * 1024;
/** `send` returns false when this many messages wait for the connection to open. */
const waitingMax = 8;

export const commonOptions: ChannelOptions = {
  'grpc.max_send_message_length': -1,
  'grpc.enable_channelz': 0,
};

/**
 * A node pings the nodes to which it has opened streams: after `pingIntervalMs` without an open ping. Without a response in
 * `pingTimeoutMs` the stream ends. Otherwise a stream on which this node only waits (a follower for records) stays open for
 * ever when the peer has closed it while packets were lost; and one on which it sends is noticed only when the operating system
 * sends again, which takes as long as the packets were lost.
 */
const pingIntervalMs = 3000;
const pingTimeoutMs = 5000;

/**
 * Each client has one connection. It does not wait for a connection to come back and does not retry, so a stream gets an error
 * as soon as its connection breaks.
 */
export const clientOptions: ChannelOptions = {
  ...commonOptions,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 100,
  'grpc.keepalive_time_ms': pingIntervalMs,
  'grpc.keepalive_timeout_ms': pingTimeoutMs,
  'grpc-node.flow_control_window': clientWindowBytes,
};

/**
 * The serialiser that gRPC calls. It does nothing, because `CallStream` encodes a message before it queues it; so the caller
 * may change the bytes after `send`.
 */
export function encoded(bytes: Buffer): Buffer {
  return bytes;
}

/** What a stream needs of a gRPC call. The calls of the client and of the server both fit. */
export interface Call {
  write(message: Buffer, done: () => void): boolean;
  end(reason?: string): void;
}

function nothing(): void {}

/** A message stream over a gRPC call. The call may begin later; messages that were sent before wait for it. */
export class CallStream implements MessageStream {
  onMessage: (message: PeerMessage) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  /** Called before `onClose`. For an owner that keeps a list of its streams. */
  onEnded: () => void = nothing;
  private call: Call | null = null;
  private encode: ((message: PeerMessage) => Uint8Array) | null = null;
  /**
   * Messages that were sent before the call began; null afterwards. They are encoded when the call begins. That is safe: only a
   * node that accepted a stream changes bytes after `send`, and its call has begun already.
   */
  private waiting: PeerMessage[] | null = [];
  private closeReason: string | undefined;
  private queuedBytes = 0;
  private full = false;
  /** `ending`: this side has called `close`, and its messages are still being sent. `closed`: `onClose` was called. */
  private state: 'open' | 'ending' | 'closed' = 'open';

  attach(call: Call, encode: (message: PeerMessage) => Uint8Array): void {
    this.call = call;
    this.encode = encode;
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const message of waiting) this.put(call, encode(message));
    if (this.state === 'ending') call.end(this.closeReason);
    else this.drain();
  }

  send(message: PeerMessage): boolean {
    if (this.state !== 'open') return true;
    if (this.call !== null && this.encode !== null) this.put(this.call, this.encode(message));
    else if (this.waiting !== null && this.waiting.push(message) >= waitingMax) this.full = true;
    return !this.full;
  }

  close(reason?: string): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.closeReason = reason;
    this.call?.end(reason);
  }

  get isClosing(): boolean {
    return this.state !== 'open';
  }

  /** Passes a message to the owner. Null stands for a message of a kind that this release does not know; it is skipped. */
  deliver(message: PeerMessage | null): void {
    if (this.state === 'open' && message !== null) this.onMessage(message);
  }

  /** Reports the end of the call to the owner. Only the first call has an effect. */
  ended(error: Error | null): void {
    if (this.state === 'closed') return;
    // After this side has called `close`, the owner gets no error, even when the call ends with one.
    const reason = this.state === 'ending' ? null : error;
    this.state = 'closed';
    this.waiting = null;
    this.onEnded();
    this.onClose(reason);
  }

  private put(call: Call, message: Uint8Array): void {
    const bytes = Buffer.isBuffer(message)
      ? message
      : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.queuedBytes += bytes.length;
    if (this.queuedBytes >= sendHighBytes) this.full = true;
    call.write(bytes, () => {
      this.queuedBytes -= bytes.length;
      this.drain();
    });
  }

  private drain(): void {
    if (!this.full || this.queuedBytes > sendLowBytes) return;
    this.full = false;
    if (this.state === 'open') this.onDrain();
  }
}
