/** What gRPC client and server agree on: paths, options, identity serialisers, and the stream that both make of a call. */
import type { ChannelOptions } from '@grpc/grpc-js';
import type { Channel, MessageStream } from '../../base/network.ts';

/** proto/bendemann.proto. */
export const serviceName = 'bendemann.v1.Peer';
export const methodNames: Readonly<Record<Channel, string>> = {
  raft: 'Raft',
  'raft-bulk': 'RaftBulk',
  observe: 'Observe',
  controller: 'Controller',
  broker: 'Broker',
  replication: 'Replication',
};

/** Larger than the largest legal record batch (socket.request.max.bytes of 100 MiB and more): gRPC's default of 4 MiB would stop replication for good. */
export const messageMaxBytes = 1024 * 1024 * 1024;
/** What a client lets the server send ahead; bulk flows that way. */
const clientWindowBytes = 8 * 1024 * 1024;
/** Bytes in our queue of a stream from which `send` says that it is enough, and below which there is room again. */
const sendHighBytes = 4 * 1024 * 1024;
const sendLowBytes = 1024 * 1024;

export const commonOptions: ChannelOptions = {
  'grpc.max_receive_message_length': messageMaxBytes,
  'grpc.max_send_message_length': -1,
  'grpc.enable_channelz': 0,
};

/** One connection for each client, no waiting, no second try: what breaks is told to the stream at once. */
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

export function identity(bytes: Buffer): Buffer {
  return bytes;
}

/** The part of gRPC's call objects, client's and server's, that a stream needs. */
export interface Call {
  write(message: Buffer, done: () => void): boolean;
  end(): void;
}

function nothing(): void {}

/** A message stream over a call that may come into being later: what is sent before waits. */
export class CallStream implements MessageStream {
  onMessage: (message: Uint8Array) => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  onDrain: () => void = nothing;
  /** Called before `onClose`: for whoever keeps a list of streams. */
  onEnded: () => void = nothing;
  private call: Call | null = null;
  private waiting: Buffer[] | null = [];
  private queuedBytes = 0;
  private full = false;
  /** `ending`: we closed and what we sent still leaves; `closed`: onClose was called. */
  private state: 'open' | 'ending' | 'closed' = 'open';

  attach(call: Call): void {
    this.call = call;
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const message of waiting) this.put(call, message);
    if (this.state === 'ending') call.end();
  }

  send(message: Uint8Array): boolean {
    if (this.state !== 'open') return true;
    const bytes = Buffer.isBuffer(message)
      ? message
      : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.queuedBytes += bytes.length;
    if (this.call === null) this.waiting?.push(bytes);
    else this.put(this.call, bytes);
    if (this.queuedBytes >= sendHighBytes) this.full = true;
    return !this.full;
  }

  close(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.call?.end();
  }

  get isClosing(): boolean {
    return this.state !== 'open';
  }

  deliver(message: Uint8Array): void {
    if (this.state === 'open') this.onMessage(message);
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

  private put(call: Call, bytes: Buffer): void {
    call.write(bytes, () => {
      this.queuedBytes -= bytes.length;
      if (!this.full || this.queuedBytes > sendLowBytes) return;
      this.full = false;
      if (this.state === 'open') this.onDrain();
    });
  }
}
