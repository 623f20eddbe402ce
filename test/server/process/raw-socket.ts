/** A TCP client for tests: it sends any bytes and keeps all bytes that the server has sent. */
import net from 'node:net';
import type { Address } from '../../../src/base/network.ts';

export class RawSocket {
  readonly socket: net.Socket;
  received: Buffer = Buffer.alloc(0);
  isClosed = false;
  private readonly listeners = new Set<() => void>();

  private constructor(socket: net.Socket) {
    this.socket = socket;
    const tell = (): void => {
      for (const listener of [...this.listeners]) listener();
    };
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      tell();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      tell();
    });
  }

  static open(address: Address): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...address, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawSocket(socket)));
    });
  }

  send(...parts: readonly Uint8Array[]): this {
    for (const part of parts) this.socket.write(part);
    return this;
  }

  /** Resolves when the server has closed the connection. */
  closed(): Promise<void> {
    return this.when(() => this.isClosed);
  }

  /** The next response, without its size field; rejects when the connection closes before the response is complete. */
  async frame(): Promise<Buffer> {
    const isWhole = (): boolean =>
      this.received.length >= 4 && this.received.length >= 4 + this.received.readInt32BE(0);
    await this.when(() => isWhole() || this.isClosed);
    if (!isWhole()) throw new Error('the connection closed before a response was whole');
    const end = 4 + this.received.readInt32BE(0);
    const frame = this.received.subarray(4, end);
    this.received = this.received.subarray(end);
    return frame;
  }

  close(): void {
    this.socket.destroy();
  }

  private when(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isTrue()) return;
        this.listeners.delete(look);
        resolve();
      };
      this.listeners.add(look);
      look();
    });
  }
}

/** A frame of Kafka's protocol: the size and then the given parts. */
export function framed(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A request header without tagged fields (version 1), with a client id. */
export function header(apiKey: number, apiVersion: number, correlationId = 7): Buffer {
  return Buffer.concat([int16(apiKey), int16(apiVersion), int32(correlationId), int16(1), Buffer.from('x')]);
}
