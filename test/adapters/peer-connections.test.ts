/** Connections of strangers on which HTTP/2 begins: few, not for long, and with few bytes. Exceeded from outside, by raw sockets. */
import * as net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createTransport, type Transport } from '../../src/adapters/one-port.ts';
import { strangersMax } from '../../src/adapters/grpc/peer-connections.ts';
import type { Address } from '../../src/base/network.ts';
import { raftChannel } from '../../src/server/raft/channels.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function transport(helloTimeoutMs = 60_000): Transport {
  const made = createTransport({ logger: silentLogger, helloTimeoutMs });
  open.push(made);
  return made;
}

/** Its raft streams get their messages back. */
async function echoNode(helloTimeoutMs?: number): Promise<Address> {
  const node = transport(helloTimeoutMs);
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
  });
  const listener = await node.network.listen({ host: '127.0.0.1', port: 0 }, () => undefined);
  return listener.address;
}

/** The connection preface with empty SETTINGS. */
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, '')]);

function frame(type: number, flags: number, stream: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

class Stranger {
  isClosed = false;
  isGreeted = false;
  readonly socket: net.Socket;

  constructor(at: Address) {
    this.socket = net.connect(at.port, at.host);
    this.socket.on('error', () => undefined).on('close', () => (this.isClosed = true));
    this.socket.on('data', () => (this.isGreeted = true));
    this.socket.write(preface);
    open.push({ close: () => this.socket.destroy() });
  }
}

const entry = { offset: 7, epoch: 1, kind: 'data' as const, payload: Buffer.from('x'), appendedMs: 0 };
const message = {
  type: 'append' as const,
  epoch: 1,
  baseOffset: 7,
  previousEpoch: 1,
  highWatermark: 0,
  entries: [entry],
};

/** The kind of message that comes back, or the error that ends the stream. */
function echoed(at: Address): Promise<unknown> {
  const stream = transport().peers.open(at, raftChannel);
  stream.send(message);
  return new Promise((resolve) => {
    stream.onMessage = ({ type }) => resolve(type);
    stream.onClose = resolve;
  });
}

test('strangersMax connections without a hello stay, the oldest of more are closed; a node gets through', async () => {
  const at = await echoNode();
  const strangers: Stranger[] = [];
  for (let i = 0; i < strangersMax + 36; i++) {
    const stranger = new Stranger(at);
    strangers.push(stranger);
    await expect.poll(() => stranger.isGreeted, { interval: 1 }).toBe(true);
  }
  expect(await echoed(at)).toBe('append');
  await expect.poll(() => strangers.slice(0, 36).every(({ isClosed }) => isClosed)).toBe(true);
  expect(strangers.filter(({ isClosed }) => !isClosed).length).toBeGreaterThanOrEqual(strangersMax - 1);
});

test('a connection without an accepted hello is closed after helloTimeoutMs, one with it stays', async () => {
  const at = await echoNode(1_000);
  const stream = transport().peers.open(at, raftChannel);
  let count = 0;
  let end: Error | null | undefined;
  stream.onMessage = () => count++;
  stream.onClose = (error) => (end = error);
  stream.send(message);
  await expect.poll(() => count).toBe(1);
  const stranger = new Stranger(at);
  await expect.poll(() => stranger.isClosed, { timeout: 10_000 }).toBe(true);
  stream.send(message);
  await expect.poll(() => [count, end]).toEqual([2, undefined]);
});

test('a stranger sends no whole message of 24 MiB: it is closed after strangerBytesMax', async () => {
  const at = await echoNode();
  const stranger = new Stranger(at);
  // Literal header fields without indexing, by their index in HPACK's static table: POST, http, path, content-type, and te.
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const headers = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text('/bendemann.v1.Peer/Raft'),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
  stranger.socket.write(frame(1, 4, 1, headers));
  const length = Buffer.from([0, 1, 0x40, 0, 0]);
  stranger.socket.write(frame(0, 0, 1, length));
  const piece = frame(0, 0, 1, Buffer.alloc(16_000));
  let sentBytes = 0;
  const pump = setInterval(() => {
    if (stranger.isClosed || stranger.socket.writableLength > 100_000) return;
    sentBytes += piece.length;
    stranger.socket.write(piece);
  }, 0);
  await expect.poll(() => stranger.isClosed, { timeout: 10_000 }).toBe(true);
  clearInterval(pump);
  expect(sentBytes).toBeGreaterThan(1_000_000);
  expect(sentBytes).toBeLessThan(16_000_000);
});
