import { describe, expect, test } from 'vitest';
import { BrokerConnection, DisconnectedError } from '../../src/client/connection.ts';
import { responseFrame } from '../../src/protocol/frames.ts';
import { MetadataRequest, MetadataResponse } from '../../src/protocol/messages/cluster/03-metadata.ts';
import { ApiVersionsResponse } from '../../src/protocol/messages/cluster/18-api-versions.ts';
import { ManualTime, MemoryConnection, settle } from '../broker/harness.ts';

const options = { clientId: 'test', requestTimeoutMs: 1_000, connectTimeoutMs: 100 };
const address = { host: 'b', port: 1 };
const apiKeys = [{ apiKey: MetadataRequest.key, minVersion: 0, maxVersion: 13 }];

function versions(correlationId: number, errorCode = 0, apiVersion = 3): Uint8Array {
  return Buffer.concat(
    responseFrame(ApiVersionsResponse, { apiVersion, correlationId }, { errorCode, apiKeys }),
  );
}

function metadata(correlationId: number, controllerId: number): Uint8Array {
  const body = { brokers: [], controllerId, topics: [] };
  return Buffer.concat(responseFrame(MetadataResponse, { apiVersion: 9, correlationId }, body));
}

/** Opens a connection; the test itself plays the server at the other end. */
async function open() {
  const time = new ManualTime();
  const socket = new MemoryConnection();
  const ports = { network: { connect: () => Promise.resolve(socket) }, clock: time, scheduler: time };
  const opening = BrokerConnection.open(address, ports, options);
  await settle();
  socket.onData(versions(0));
  const connection = await opening;
  const ask = () =>
    connection.request(MetadataRequest, MetadataResponse, { topics: [] }, { version: 9 }).then(
      ({ controllerId }) => controllerId,
      (error: unknown) => error,
    );
  return { time, socket, connection, ask };
}

describe('a connection', () => {
  test('gives each request its own response, in order, even when the bytes arrive one at a time', async () => {
    const { socket, ask, time } = await open();
    const answers = [ask(), ask(), ask()];
    const bytes = Buffer.concat([metadata(1, 10), metadata(2, 20), metadata(3, 30)]);
    for (const byte of bytes) socket.onData(Uint8Array.of(byte));
    expect(await Promise.all(answers)).toEqual([10, 20, 30]);
    expect(time.timerCount).toBe(0);
  });

  test('a response in time keeps it open; a missing response closes it and fails all pending requests', async () => {
    const { time, socket, connection, ask } = await open();
    let isClosed = false;
    connection.onClose = () => {
      isClosed = true;
    };
    const first = ask();
    await time.advance(999);
    socket.onData(metadata(1, 10));
    expect(await first).toBe(10);
    const [second, third] = [ask(), ask()];
    await time.advance(1_000);
    expect(await second).toEqual(new DisconnectedError('no answer within 1000 ms'));
    expect(await third).toBeInstanceOf(DisconnectedError);
    expect([isClosed, socket.closed, time.timerCount]).toEqual([true, true, 0]);
    expect(await ask()).toBeInstanceOf(DisconnectedError);
  });

  test('a response that arrives after close() is ignored', async () => {
    const { socket, connection, ask } = await open();
    const asked = ask();
    connection.close();
    expect(await asked).toBeInstanceOf(DisconnectedError);
    expect(() => socket.onData(metadata(1, 10))).not.toThrow();
  });

  test.each([
    ['a response without a request', () => metadata(9, 0), 0],
    ['a response with the wrong correlation id', () => metadata(7, 0), 1],
    ['a length that no frame has', () => Uint8Array.of(0xff, 0xff, 0xff, 0xff), 1],
    ['the beginning of HTTP', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 1],
  ])('%s closes it, and reading the socket throws no exception', async (_name, bytes, requests) => {
    const { time, socket, connection, ask } = await open();
    const asked = requests === 0 ? null : ask();
    expect(() => socket.onData(bytes())).not.toThrow();
    expect([connection.isClosed, socket.closed]).toEqual([true, true]);
    if (asked !== null) expect(await asked).toEqual(expect.objectContaining({ name: 'DisconnectedError' }));
    expect(time.timerCount).toBe(0);
  });

  test('a response body that cannot be decoded fails its own request only', async () => {
    const { socket, ask } = await open();
    const [broken, whole] = [ask(), ask()];
    const cut = metadata(1, 10).slice(0, 12);
    new DataView(cut.buffer, cut.byteOffset).setInt32(0, cut.length - 4);
    socket.onData(cut);
    socket.onData(metadata(2, 20));
    expect(await broken).toBeInstanceOf(Error);
    expect(await whole).toBe(20);
  });

  test('it is closed when the peer and the client have no ApiVersions version in common', async () => {
    const time = new ManualTime();
    const socket = new MemoryConnection();
    const ports = { network: { connect: () => Promise.resolve(socket) }, clock: time, scheduler: time };
    const opening = BrokerConnection.open(address, ports, options);
    await settle();
    socket.onData(versions(0, 35, 0));
    await settle();
    socket.onData(versions(1, -1, 0));
    await expect(opening).rejects.toThrow();
    expect(socket.closed).toBe(true);
  });

  test('a request in no version that the peer serves throws before anything is sent', async () => {
    const { connection, socket } = await open();
    const before = socket.writes.length;
    expect(() => connection.versionOf({ ...MetadataRequest, key: 77 })).toThrow(/does not support METADATA/);
    expect(() => connection.versionOf({ ...MetadataRequest, versions: { min: 14, max: 20 } })).toThrow(
      /supported range is \[0,13\]/,
    );
    expect(socket.writes.length).toBe(before);
  });
});
