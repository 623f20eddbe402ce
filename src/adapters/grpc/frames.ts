/** The common part of gRPC client and server: options, and the stream that both make of a call. */
import type { ChannelOptions } from '@grpc/grpc-js';
import type * as GrpcModule from '@grpc/grpc-js';
import type { MessageStream, PeerMessage } from '../../base/network.ts';
import type { PeerService } from '../../wire/service.ts';

const mebibyte = 1024 * 1024;

/** gRPC and the codec of our service; both are loaded at the first connection to a peer. */
export interface GrpcParts {
  readonly grpc: typeof GrpcModule;
  readonly service: PeerService;
}

/**
 * Largest message from a peer that opened a stream. Any client that reaches the port can send one, because the hello is checked
 * after it is decoded. Entries of the metadata log have up to 8 MiB, calls 16 MiB.
 */
export const peerRequestBytesMax = 24 * mebibyte;
/** Maximum size of a push besides its largest record batch. */
export const pushOverheadBytes = 8 * mebibyte;
/** Bytes that a server may send before the client has read them; bulk data comes from the server. */
const clientWindowBytes = 8 * mebibyte;
/** Queued bytes of a stream at which `send` returns false, and below which `onDrain` is called. */
const sendHighBytes = 4 * 1024 * 1024;
const sendLowBytes = 1024 * 1024;
/** Messages that wait for the call to begin, at which `send` returns false. */
const waitingMax = 8;

export const commonOptions: ChannelOptions = {
  'grpc.max_send_message_length': -1,
  'grpc.enable_channelz': 0,
};

/** One connection for each client, no waiting, no retries: a stream gets an error at once when its connection breaks. */
export const clientOptions: ChannelOptions = {
  ...commonOptions,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 100,
  'grpc-node.flow_control_window': clientWindowBytes,
};

/** The serialiser for gRPC. `CallStream` has encoded the message before it is queued, so that bytes in it may change after `send`. */
export function encoded(bytes: Buffer): Buffer {
  return bytes;
}

/** The part of gRPC's call objects, client's and server's, that a stream needs. */
export interface Call {
  write(message: Buffer, done: () => void): boolean;
  end(reason?: string): void;
}

function nothing(): void {}

/** A message stream over a call that may begin later; messages that are sent before wait. */
export class CallStream implements MessageStream {
  onMessage: (message: PeerMessage) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  /** Called before `onClose`, for an owner that keeps a list of streams. */
  onEnded: () => void = nothing;
  private call: Call | null = null;
  private encode: ((message: PeerMessage) => Uint8Array) | null = null;
  /** Messages of the opener before the call began. They are encoded when it begins: only an acceptor sends bytes that change later. */
  private waiting: PeerMessage[] | null = [];
  private closeReason: string | undefined;
  private queuedBytes = 0;
  private full = false;
  /** `ending`: this side has closed and its sent messages are still being transmitted; `closed`: onClose was called. */
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

  /** Null: a message of a kind that this release does not know. */
  deliver(message: PeerMessage | null): void {
    if (this.state === 'open' && message !== null) this.onMessage(message);
  }

  /** The call has ended. Idempotent. */
  ended(error: Error | null): void {
    if (this.state === 'closed') return;
    // After this side's close any end is a clean one.
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
