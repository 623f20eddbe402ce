/**
 * The bounds of HTTP/2 connections of unknown clients: their number, their duration and their bytes. Raw sockets exceed each
 * bound.
 */
import { EventEmitter } from 'node:events';
import * as net from 'node:net';
import grpc from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { createTransport, type Transport } from '../../src/adapters/one-port.ts';
import { PeerConnections, peersMax, strangersMax } from '../../src/adapters/grpc/peer-connections.ts';
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

test('no more than peersMax connections of other nodes have an accepted hello', () => {
  const connections = new PeerConnections();
  const sockets = Array.from({ length: peersMax + 1 }, (_, i) => {
    const destroy = (): void => void Object.assign(socket, { destroyed: true });
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: 'a',
      remotePort: i,
      destroyed: false,
      destroy,
    });
    connections.add(socket as unknown as net.Socket);
    connections.greeted(`a:${i}`);
    return socket;
  });
  expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([sockets.at(-1)]);
  sockets[0]?.emit('close');
  const next = Object.assign(new EventEmitter(), {
    remoteAddress: 'b',
    remotePort: 1,
    destroy: () => expect.fail(),
  });
  connections.add(next as unknown as net.Socket);
  connections.greeted('b:1');
  connections.close();
});

test('one connection has no more than streamsPerConnectionMax streams', async () => {
  const node = transport();
  let accepted = 0;
  node.peers.accept(raftChannel, () => accepted++);
  const { address } = await node.network.listen({ host: '127.0.0.1', port: 0 }, () => undefined);
  const client = new grpc.Client(`${address.host}:${address.port}`, grpc.credentials.createInsecure());
  open.push(client);
  const same = (bytes: Buffer): Buffer => bytes;
  const start = (): grpc.ClientDuplexStream<Buffer, Buffer> => {
    const call = client.makeBidiStreamRequest('/bendemann.v1.Peer/Raft', same, same);
    call.on('error', () => undefined).on('data', () => undefined);
    call.write(Buffer.alloc(0));
    return call;
  };
  const calls = [start()];
  // The first answer of HTTP/2 tells the client how many streams it may have.
  await expect.poll(() => accepted).toBe(1);
  for (let i = 0; i < 8; i++) calls.push(start());
  await expect.poll(() => accepted).toBe(8);
  calls[0]?.cancel();
  await expect.poll(() => accepted).toBe(9);
  for (const call of calls) call.cancel();
});

// Bound: firstWordMs.
test('a connection whose HTTP/2 preface is not complete after firstWordMs is closed', async () => {
  const at = await echoNode(1_000);
  const slow = net.connect(at.port, at.host);
  const closed = new Promise((resolve) => slow.on('close', resolve));
  slow.on('error', () => undefined).resume();
  slow.write('PRI');
  await closed;
});

test('of connections without a hello the oldest above strangersMax are closed, so that another node gets through', async () => {
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

test('a connection without an accepted hello is closed after helloTimeoutMs; one with it stays open', async () => {
  const at = await echoNode(1_000);
  const stream = transport().peers.open(at, raftChannel);
  let count = 0;
  let end: Error | null | undefined;
  stream.onMessage = () => count++;
  stream.onClose = (error) => (end = error);
  stream.send(message);
  await expect.poll(() => count).toBe(1);
  const stranger = new Stranger(at);
  // Less than the 10 s after which gRPC itself closes a connection without a stream.
  await expect.poll(() => stranger.isClosed, { timeout: 8_000 }).toBe(true);
  stream.send(message);
  await expect.poll(() => [count, end]).toEqual([2, undefined]);
});

test('a connection without a hello that sends more than strangerBytesMax is closed', async () => {
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
