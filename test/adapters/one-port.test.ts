import { spawn } from 'node:child_process';
import * as net from 'node:net';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { createTransport, type Transport } from '../../src/adapters/one-port.ts';
import type { Address, Connection, Listener, MessageStream, PeerMessage } from '../../src/base/network.ts';
import { raftChannel } from '../../src/server/raft/channels.ts';
import { replicationChannel } from '../../src/replication/stream/stream-messages.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bytes = (content: string) => new Uint8Array(Buffer.from(content, 'latin1'));

function transport(backlog = 50): Transport {
  const made = createTransport({ logger: silentLogger, backlog });
  open.push(made);
  return made;
}

/** A node whose connections echo what they get. */
async function echoNode(
  backlog = 50,
): Promise<{ node: Transport; at: Address; listener: Listener; connections: Connection[] }> {
  const node = transport(backlog);
  const connections: Connection[] = [];
  const listener = await node.network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    connections.push(connection);
    connection.onData = (chunk) => connection.write([chunk]);
  });
  return { node, at: listener.address, listener, connections };
}

function readAll(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    let all = '';
    socket.on('data', (chunk) => (all += chunk.toString('latin1')));
    socket.on('close', () => resolve(all));
    socket.on('error', () => {});
  });
}

type Append = Extract<RaftFrame, { type: 'append' }>;
type RaftFrame = NonNullable<typeof raftChannel.fromOpener>;
type RaftStream = MessageStream<RaftFrame, RaftFrame>;

/** A message between nodes that carries a text. */
function frame(content: string | Uint8Array): Append {
  const payload = typeof content === 'string' ? bytes(content) : content;
  const entry = { offset: 7, epoch: 1, kind: 'data' as const, payload, appendedMs: 0 };
  return { type: 'append', epoch: 1, baseOffset: 7, previousEpoch: 1, highWatermark: 0, entries: [entry] };
}
const payloadOf = (message: PeerMessage): Uint8Array =>
  (message as Append).entries[0]?.payload ?? new Uint8Array(0);

/** Resolves with the first `count` messages, or with the error that closed the stream. */
function messages(stream: RaftStream, count: number): Promise<string[] | Error | null> {
  return new Promise((resolve) => {
    const got: string[] = [];
    stream.onMessage = (message) => {
      got.push(text(payloadOf(message)));
      if (got.length === count) resolve(got);
    };
    stream.onClose = resolve;
  });
}

test('a socket that has sent nothing counts as a Kafka connection; one that then sends HTTP is closed as such', async () => {
  const { at, connections } = await echoNode();
  const closed: unknown[] = [];
  const silent = net.connect(at);
  open.push({ close: () => silent.destroy() });
  await expect.poll(() => connections.length).toBe(1);
  (connections[0] as Connection).onClose = (error) => closed.push(error);
  (connections[0] as Connection).destroy();
  await expect.poll(() => closed).toEqual([null]);
  await expect.poll(() => silent.destroyed).toBe(true);
  const http = net.connect(at);
  const page = readAll(http);
  await expect.poll(() => connections.length).toBe(2);
  (connections[1] as Connection).onClose = (error) => closed.push(error);
  http.write('GET / HTTP/1.1\r\n\r\n');
  expect(await page).toContain('404');
  expect(closed).toEqual([null, null]);
});

test('bytes go both ways in order, and closing one end calls onClose of the other once', async () => {
  const { node, at, connections } = await echoNode();
  const client = await node.network.connect(at, 1000);
  expect(client.remote).toEqual(at);
  const echoed = new Promise<string>((resolve) => {
    let all = '';
    client.onData = (chunk) => {
      all += text(chunk);
      if (all.length === 10) resolve(all);
    };
  });
  client.write([bytes('\0\0\0\x06'), bytes('abc'), bytes('def')]);
  expect(await echoed).toBe('\0\0\0\x06abcdef');
  const closed = new Promise((resolve) => {
    (connections[0] as Connection).onClose = resolve;
  });
  client.destroy();
  expect(await closed).toBeNull();
});

test('connecting to a port on which nobody listens fails with ECONNREFUSED, listening on a used one with EADDRINUSE', async () => {
  const node = transport();
  const free = await new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
  await expect(node.network.connect({ host: '127.0.0.1', port: free }, 1000)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  const listener = await node.network.listen({ host: '127.0.0.1', port: free }, () => {});
  await expect(transport().network.listen(listener.address, () => {})).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

test('write returns false while too much is buffered, and onDrain follows when there is room again', async () => {
  const node = transport();
  let server: Connection | null = null;
  const listener = await node.network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    server = connection;
    connection.pause();
  });
  const client = await node.network.connect(listener.address, 1000);
  const chunk = new Uint8Array(1024 * 1024);
  let sent = 0;
  while (client.write([chunk])) sent++;
  let received = 0;
  const drained = new Promise<void>((resolve) => {
    client.onDrain = resolve;
  });
  const waiting = server as Connection | null;
  expect(sent).toBeLessThan(64);
  while (server === null) await new Promise((resolve) => setImmediate(resolve));
  const other = (server ?? waiting) as Connection;
  other.onData = (data) => (received += data.length);
  other.resume();
  await drained;
  expect(received).toBeGreaterThan(0);
});

test('five hundred connections at once are served', async () => {
  // The queue of connections not yet accepted must hold them all: accepting shares this event loop.
  const { node, at, connections } = await echoNode(600);
  const clients = await Promise.all(Array.from({ length: 500 }, () => node.network.connect(at, 5000)));
  const answers = clients.map(
    (client, i) =>
      new Promise<number>((resolve) => {
        client.onData = (chunk) => resolve(new DataView(chunk.buffer, chunk.byteOffset).getUint32(0));
        const request = new Uint8Array(4);
        new DataView(request.buffer).setUint32(0, i);
        client.write([request]);
      }),
  );
  expect(await Promise.all(answers)).toEqual(clients.map((_, i) => i));
  expect(connections).toHaveLength(500);
  for (const client of clients) client.destroy();
});

test.each(['\0\0\0\x04kafk', 'PLAIN', 'POS', '\x16\x03\x01\x02'])(
  '%j, sent one byte at a time, reaches the Kafka side complete',
  async (sent) => {
    const { at } = await echoNode();
    const socket = net.connect(at.port, at.host);
    socket.setNoDelay(true);
    for (const letter of sent) {
      socket.write(Buffer.from(letter, 'latin1'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // 'POS' could still become POST: it is sorted when more comes.
    if (sent === 'POS') socket.write('X');
    const expected = sent === 'POS' ? 'POSX' : sent;
    const got = await new Promise<string>((resolve) => {
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk.toString('latin1');
        if (all.length === expected.length) resolve(all);
      });
    });
    expect(got).toBe(expected);
    socket.destroy();
  },
);

test.each([1, 2, 3, 1000])('an HTTP request in pieces of %i bytes gets status 404', async (size) => {
  const { at, connections } = await echoNode();
  const socket = net.connect(at.port, at.host);
  socket.setNoDelay(true);
  const answer = readAll(socket);
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  for (let i = 0; i < 5 * size && i < request.length; i += size) {
    socket.write(request.slice(i, i + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await answer).toMatch(/^HTTP\/1.1 404 Not Found\r\n[\s\S]*Kafka/);
  // It was offered as a connection when it came, and got no byte: the answer would begin with its echo.
  expect(connections).toHaveLength(1);
});

test('a gRPC client whose bytes arrive one at a time is served', async () => {
  const { node, at } = await echoNode();
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
  });
  const slow = net.createServer((from) => {
    const to = net.connect(at.port, at.host);
    to.setNoDelay(true);
    to.on('data', (chunk) => from.write(chunk));
    from.on('data', (chunk) => {
      for (const byte of chunk) to.write(Buffer.from([byte]));
    });
    from.on('close', () => to.destroy());
    from.on('error', () => {});
    to.on('error', () => {});
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => slow.close() });
  const stream = transport().peers.open(
    { host: '127.0.0.1', port: (slow.address() as net.AddressInfo).port },
    raftChannel,
  );
  const got = messages(stream, 1);
  stream.send(frame('hello'));
  expect(await got).toEqual(['hello']);
});

test('messages of any size arrive complete and in order, also those sent before the connection was established', async () => {
  const { node, at } = await echoNode();
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
  });
  const stream = transport().peers.open(at, raftChannel);
  const sent = ['', 'a', 'b'.repeat(1024), 'c'.repeat(5_000_000), 'd', 'e'.repeat(70_000)];
  const got = messages(stream, sent.length);
  for (const message of sent) stream.send(frame(message));
  const answer = (await got) as string[];
  expect(answer.map((message) => message.length)).toEqual(sent.map((message) => message.length));
  expect(answer.map((message) => message[0])).toEqual(sent.map((message) => message[0]));
});

test('a leader can push a batch of socket.request.max.bytes above the default; a larger one ends the stream', async () => {
  const client = createTransport({ logger: silentLogger, batchBytesMax: 105_000_000 });
  open.push(client);
  const { node, at } = await echoNode();
  node.peers.accept(replicationChannel, (stream) => {
    for (const sizeBytes of [105_000_000, 115_000_000])
      stream.send({
        type: 'push',
        entries: [{ slot: 0, highWatermark: 0, logStartOffset: 0, records: [new Uint8Array(sizeBytes)] }],
      });
  });
  const stream = client.peers.open(at, replicationChannel);
  const got: number[] = [];
  stream.onMessage = (message) => {
    if (message.type === 'push') got.push(message.entries[0]?.records[0]?.length ?? 0);
  };
  const error = await new Promise((resolve) => {
    stream.onClose = resolve;
  });
  expect([got, String(error)]).toEqual([[105_000_000], expect.stringContaining('RESOURCE_EXHAUSTED')]);
});

// Bound: peerRequestBytesMax.
test('a peer that sends a message larger than 24 MiB, or one that is not protobuf, loses its stream', async () => {
  const { node, at } = await echoNode();
  const got: number[] = [];
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => got.push(payloadOf(message).length);
  });
  const endOf = (payload: Uint8Array): Promise<unknown> => {
    const stream = transport().peers.open(at, raftChannel);
    stream.send(frame(payload));
    return new Promise((resolve) => {
      stream.onClose = resolve;
    });
  };
  expect(String(await endOf(new Uint8Array(25 * 1024 * 1024)))).toMatch(/RESOURCE_EXHAUSTED/);
  const client = new grpc.Client(`${at.host}:${at.port}`, grpc.credentials.createInsecure());
  open.push(client);
  const identity = (some: Buffer): Buffer => some;
  const call = client.makeBidiStreamRequest('/bendemann.v1.Peer/Raft', identity, identity);
  const error = new Promise((resolve) => call.on('error', resolve));
  call.on('data', () => {});
  call.write(Buffer.from('no message'));
  expect(String(await error)).toMatch(/INTERNAL/);
  expect(got).toEqual([]);
  const next = transport().peers.open(at, raftChannel);
  next.send(frame('still here'));
  await expect.poll(() => got).toEqual(['still here'.length]);
});

test('a stream from a node to itself does not use gRPC', async () => {
  const { node, at } = await echoNode();
  let closed: Error | null | undefined;
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
    stream.onClose = (error) => (closed = error);
  });
  const stream = node.peers.open(at, raftChannel);
  const got = messages(stream, 2);
  stream.send(frame('x'));
  stream.send(frame('y'));
  expect(await got).toEqual(['x', 'y']);
  const here = new Promise((resolve) => {
    stream.onClose = resolve;
  });
  stream.close();
  expect(await here).toBeNull();
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBeNull();
});

test('onClose reports that nobody listens or that no channel is accepted; the next stream opens at once', async () => {
  const { node, at, listener } = await echoNode();
  const client = transport();
  expect(String(await messages(client.peers.open(at, raftChannel), 1))).toMatch(/UNIMPLEMENTED/);
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
  });
  await listener.close();
  expect(String(await messages(client.peers.open(at, raftChannel), 1))).toMatch(/UNAVAILABLE/);
  await node.network.listen(at, () => {});
  const again = client.peers.open(at, raftChannel);
  const got = messages(again, 1);
  const start = performance.now();
  again.send(frame('x'));
  expect(await got).toEqual(['x']);
  expect(performance.now() - start).toBeLessThan(1000);
});

test.each(['client', 'server'])(
  'when the %s closes the stream, both sides get onClose without an error',
  async (who) => {
    const { node, at } = await echoNode();
    const accepted = new Promise<RaftStream>((resolve) => node.peers.accept(raftChannel, resolve));
    const stream = transport().peers.open(at, raftChannel);
    const here = new Promise((resolve) => {
      stream.onClose = resolve;
    });
    stream.send(frame('last words'));
    const other = await accepted;
    const said = messages(other, 1);
    expect(await said).toEqual(['last words']);
    const there = new Promise((resolve) => {
      other.onClose = resolve;
    });
    if (who === 'client') stream.close();
    else other.close();
    expect([await here, await there]).toEqual([null, null]);
  },
);

test('a stream whose connection is not established within connectTimeoutMs ends', async () => {
  // It accepts a connection and says nothing, like a host whose packets are lost.
  const sockets: net.Socket[] = [];
  const silent = net.createServer((socket) => sockets.push(socket));
  open.push({ close: () => silent.close() });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as net.AddressInfo;
  const began = performance.now();
  const stream = transport().peers.open({ host: '127.0.0.1', port }, raftChannel);
  const error = await new Promise<Error | null>((resolve) => (stream.onClose = resolve));
  expect(error?.message).toBe(`no connection to 127.0.0.1:${port} within 3000 ms`);
  expect(performance.now() - began).toBeLessThan(8000);
  for (const socket of sockets) socket.destroy();
});

test('a stream ends when its peer does not respond to a ping within pingTimeoutMs, as when packets are lost', async () => {
  const { node, at } = await echoNode();
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => stream.send(message);
  });
  // Between the two: it forwards bytes until it is paused, and closes nothing. The first ping follows after pingIntervalMs.
  const sockets: net.Socket[] = [];
  const link = net.createServer((socket) => {
    const onward = net.connect(at.port, at.host);
    sockets.push(socket, onward);
    for (const one of [socket, onward]) one.on('error', () => {});
    socket.pipe(onward).pipe(socket);
  });
  open.push({ close: () => link.close() });
  await new Promise<void>((resolve) => link.listen(0, '127.0.0.1', resolve));
  const { port } = link.address() as net.AddressInfo;
  const stream = transport().peers.open({ host: '127.0.0.1', port }, raftChannel);
  const got = messages(stream, 1);
  stream.send(frame('x'));
  expect(await got).toEqual(['x']);
  const closed = new Promise<Error | null>((resolve) => (stream.onClose = resolve));
  for (const socket of sockets) socket.unpipe().pause();
  const began = performance.now();
  expect(await closed).toBeInstanceOf(Error);
  expect(performance.now() - began).toBeLessThan(15_000);
  for (const socket of sockets) socket.destroy();
});

test('send returns false while too much is buffered, and onDrain follows when there is room again', async () => {
  const { node, at } = await echoNode();
  let received = 0;
  node.peers.accept(raftChannel, (stream) => {
    stream.onMessage = (message) => (received += payloadOf(message).length);
  });
  const stream = transport().peers.open(at, raftChannel);
  const chunk = frame(new Uint8Array(1024 * 1024));
  let sent = 1;
  while (stream.send(chunk)) sent++;
  expect(sent).toBeLessThan(16);
  await new Promise<void>((resolve) => {
    stream.onDrain = resolve;
  });
  expect(received).toBeGreaterThan(0);
  expect(stream.send(chunk)).toBe(true);
});

test('kill -9 of a peer ends its streams at once, those that it opened and those that it accepted', async () => {
  const { node, at } = await echoNode();
  const accepted = new Promise<RaftStream>((resolve) => node.peers.accept(raftChannel, resolve));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'peer-process.mjs'), String(at.port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (data) => resolve(Number(data))),
  );
  const incoming = await accepted;
  const outgoing = transport().peers.open({ host: '127.0.0.1', port }, raftChannel);
  outgoing.send(frame('x'));
  await messages(outgoing, 1);
  const broken = Promise.all(
    [incoming, outgoing].map(
      (stream) =>
        new Promise<Error | null>((resolve) => {
          stream.onClose = resolve;
        }),
    ),
  );
  const start = performance.now();
  child.kill('SIGKILL');
  const [a, b] = await broken;
  expect(a).toBeInstanceOf(Error);
  expect(b).toBeInstanceOf(Error);
  expect(performance.now() - start).toBeLessThan(500);
});

test.each(['\n', 'no host', '\u{f34da}'])(
  'an invalid address (%j) ends the stream, not the process',
  async (host) => {
    const { peers, close } = createTransport({ logger: silentLogger });
    const stream = peers.open({ host, port: 10 }, { name: 'raft' } as never);
    const error = await new Promise<Error | null>((resolve) => (stream.onClose = resolve));
    expect(error).toBeInstanceOf(Error);
    void close;
  },
);

const socketCount = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test.each([
  ['ends its side', (client: net.Socket) => client.end()],
  ['keeps its side open', () => {}],
  ['goes on sending', (client: net.Socket) => void client.write('x'.repeat(1000))],
])('a connection that got status 404 does not stay when the client %s', async (_, then) => {
  const node = createTransport({ logger: silentLogger, helloTimeoutMs: 200 });
  open.push(node);
  const { address } = await node.network.listen({ host: '127.0.0.1', port: 0 }, () => {});
  const before = socketCount();
  const client = net.connect({ ...address, allowHalfOpen: true });
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => client.once('end', resolve).resume());
  then(client);
  // The node closes its end at once, or after `firstWordMs`; the other socket is the client's.
  await expect.poll(socketCount, { timeout: 5000 }).toBeLessThanOrEqual(before + (client.destroyed ? 0 : 1));
  client.destroy();
});
