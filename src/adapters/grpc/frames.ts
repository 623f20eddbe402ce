/** What gRPC client and server agree on: options, and the stream that both make of a call. */
import type { ChannelOptions } from '@grpc/grpc-js';
import type * as GrpcModule from '@grpc/grpc-js';
import type { MessageStream, PeerMessage } from '../../base/network.ts';
import type { PeerService } from '../../wire/service.ts';

const mebibyte = 1024 * 1024;

/** gRPC and the codec of our service, loaded together with the first peer. */
export interface GrpcParts {
  readonly grpc: typeof GrpcModule;
  readonly service: PeerService;
}

/**
 * Largest message from a peer that opened a stream. Any client that reaches the port can send one, because the hello is checked after
 * it. Entries of the metadata log take up to 8 MiB, calls 16 MiB.
 */
export const peerRequestBytesMax = 24 * mebibyte;
/** What a push may take beside its largest record batch. */
export const pushOverheadBytes = 8 * mebibyte;
/** What a client lets the server send ahead; bulk flows that way. */
const clientWindowBytes = 8 * mebibyte;
/** Bytes in our queue of a stream from which `send` says that it is enough, and below which there is room again. */
const sendHighBytes = 4 * 1024 * 1024;
const sendLowBytes = 1024 * 1024;
/** Messages that wait for the call to begin, from which `send` says that it is enough. */
const waitingMax = 8;

export const commonOptions: ChannelOptions = {
  'grpc.max_send_message_length': -1,
  'grpc.enable_channelz': 0,
};

/** One connection for each client, no waiting, no retries: a stream learns at once that its connection broke. */
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

/** gRPC's serialiser of what `CallStream` has encoded: it encodes before it queues, so that bytes in a message may change after `send`. */
export function encoded(bytes: Buffer): Buffer {
  return bytes;
}

/** The part of gRPC's call objects, client's and server's, that a stream needs. */
export interface Call {
  write(message: Buffer, done: () => void): boolean;
  end(reason?: string): void;
}

function nothing(): void {}

/** A message stream over a call that may come into being later: what is sent before waits. */
export class CallStream implements MessageStream {
  onMessage: (message: PeerMessage) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  /** Called before `onClose`: for an owner that keeps a list of streams. */
  onEnded: () => void = nothing;
  private call: Call | null = null;
  private encode: ((message: PeerMessage) => Uint8Array) | null = null;
  /** What the opener sent before there was a call. It is encoded when the call begins: only an acceptor sends bytes that change later. */
  private waiting: PeerMessage[] | null = [];
  private closeReason: string | undefined;
  private queuedBytes = 0;
  private full = false;
  /** `ending`: we closed and what we sent still leaves; `closed`: onClose was called. */
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

  /** Null: a kind of message that this release does not know. */
  deliver(message: PeerMessage | null): void {
    if (this.state === 'open' && message !== null) this.onMessage(message);
  }

  /** The call is over. Idempotent. */
  ended(error: Error | null): void {
    if (this.state === 'closed') return;
    // After our own close whatever ends it is a clean end.
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
