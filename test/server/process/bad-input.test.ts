/**
 * Sends malformed requests to a real server. Each gets the answer that Apache Kafka 4.3 gives; the server goes on serving
 * others, and its log holds what was acknowledged and nothing else. To test Apache Kafka itself, run this file with BROKER_PORT
 * set to the port of a broker on this machine; where its answer differs, a comment beside the case says so.
 */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import type { Producer } from '../../../src/client/producer.ts';
import { decode } from '../../../src/protocol/codec/codec.ts';
import { Errors, errorOf } from '../../../src/protocol/errors.ts';
import { requestFrame } from '../../../src/protocol/frames.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import { MetadataRequest } from '../../../src/protocol/messages/cluster/03-metadata.ts';
import { ApiVersionsResponse } from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import { updateCrc } from '../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { bytesOf, createTopic, type NodeFiles, producerOf, readAll, type Tool, Workshop } from './harness.ts';
import { framed, header, int16, int32, RawSocket } from './raw-socket.ts';

const workshop = new Workshop();
const random = createSystemRandom();
const port = process.env.BROKER_PORT;
let node: Pick<NodeFiles, 'broker'>;
let server: Tool | null = null;
let client: KafkaClient;
let producer: Producer;
const acknowledged: string[] = [];
const sockets: RawSocket[] = [];

async function raw(): Promise<RawSocket> {
  const socket = await RawSocket.open(node.broker);
  sockets.push(socket);
  return socket;
}

/** Checks that the server still serves others, and that the log holds what was acknowledged and nothing else. */
async function expectUnharmed(): Promise<void> {
  const value = `witness ${acknowledged.length}`;
  await producer.send({ topic: 'kept', value: bytesOf(value) });
  acknowledged.push(value);
  expect(await readAll(client, 'kept')).toEqual(acknowledged);
  expect(server?.isEnded ?? false).toBe(false);
  expect(server?.output ?? '').not.toContain(' ERROR ');
}

beforeAll(async () => {
  if (port === undefined) {
    const nodes = await workshop.nodes(1);
    await workshop.format(nodes);
    [server = null] = await workshop.startAll(nodes);
    node = nodes[0] as NodeFiles;
  } else node = { broker: { host: 'localhost', port: Number(port) } };
  client = workshop.client(node);
  producer = producerOf(client, { lingerMs: 0 });
  await createTopic(client, 'kept', 1, 1);
});

afterEach(expectUnharmed);

afterAll(async () => {
  for (const socket of sockets) socket.close();
  await workshop.close();
});

const metadata = (): Uint8Array =>
  Buffer.concat(
    requestFrame(MetadataRequest, { apiVersion: 9, correlationId: 3, clientId: 'x' }, { topics: [] }),
  );
const metadataBody = (count: number): Buffer => Buffer.concat([header(3, 1), int32(count)]);

describe('bytes that are not a request: the connection is closed without a response', () => {
  const cases: readonly [string, readonly Uint8Array[]][] = [
    ['a negative length', [int32(-1)]],
    ['the smallest length', [int32(-(2 ** 31))]],
    ['one byte more than socket.request.max.bytes', [int32(104_857_601)]],
    ['the largest length', [int32(2 ** 31 - 1)]],
    ['an empty frame', [framed()]],
    ['half a header', [framed(int16(3), int16(1))]],
    ['a header and no body', [framed(header(0, 9))]],
    ['a client id longer than the frame', [framed(int16(3), int16(1), int32(1), int16(999))]],
    ['api key -1', [framed(header(-1, 0))]],
    ['api key 999', [framed(header(999, 0))]],
    ['an api of controllers', [framed(header(52, 0), Buffer.alloc(64))]],
    ['Produce v99', [framed(header(0, 99), Buffer.alloc(16))]],
    ['Produce v-1', [framed(header(0, -1), Buffer.alloc(16))]],
    ['Produce v2', [framed(header(0, 2), Buffer.alloc(16))]],
    ['an array of 2^31-1 elements', [framed(metadataBody(2 ** 31 - 1))]],
    ['an array of more elements than bytes', [framed(metadataBody(1_000_000), Buffer.alloc(100))]],
    ['a name of negative length', [framed(metadataBody(1), int16(-5))]],
    ['a name longer than the frame', [framed(metadataBody(1), int16(32_000), Buffer.from('kept'))]],
    ['a varint without end', [framed(int16(3), int16(9), int32(1), int16(-1), Buffer.alloc(32, 0xff))]],
    ['a TLS hello', [Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(512, 7)]],
  ];
  test.each(cases)('%s', async (_, parts) => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = await raw();
    await socket.send(...parts).closed();
    expect(socket.received.length).toBe(0);
  });

  test('requests before invalid bytes are answered', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = await raw();
    socket.send(Buffer.concat([metadata(), metadata(), int32(-1)]));
    expect((await socket.frame()).readInt32BE(0)).toBe(3);
    expect((await socket.frame()).readInt32BE(0)).toBe(3);
    await socket.closed();
  });

  test('random bytes, alone and as the body of every API, do not harm the broker', async () => {
    const seed = Number(process.env.SEED ?? random.u32());
    onTestFailed(() => console.log(`SEED=${seed}\n${workshop.story()}`));
    let state = seed;
    const byte = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state >>> 24;
    };
    const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, byte));
    for (let i = 0; i < 50; i++) {
      const socket = await raw();
      socket.send(garbage(1 + (byte() % 200)));
      socket.socket.end();
      await socket.closed();
    }
    for (let apiKey = 0; apiKey < 93; apiKey++) {
      // The body is random bytes, so it can hardly be a valid request which, for example, deletes a topic.
      const socket = await raw();
      socket.send(framed(header(apiKey, byte() % 14), garbage(byte())));
      socket.socket.end();
      await socket.closed();
    }
  });
});

describe('incomplete frames', () => {
  test('a connection that ends within a frame is closed without a response', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = await raw();
    socket.send(int32(1_000), Buffer.alloc(500));
    socket.socket.end();
    await socket.closed();
    expect(socket.received.length).toBe(0);
  });

  test('clients that send nothing more within a frame, or nothing at all, do not affect other clients', async () => {
    onTestFailed(() => console.log(workshop.story()));
    for (let i = 0; i < 50; i++) {
      (await raw()).send(int32(100_000_000), Buffer.alloc(1_000));
      (await raw()).send(int32(40), header(3, 9));
      await raw();
    }
    await expectUnharmed();
  });

  test('clients that reset the connection before their responses do not affect other clients', async () => {
    onTestFailed(() => console.log(workshop.story()));
    for (let i = 0; i < 50; i++) {
      const socket = await raw();
      socket.send(metadata(), metadata(), metadata());
      socket.socket.resetAndDestroy();
    }
    await expectUnharmed();
  });

  test('a request that arrives byte by byte is answered', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = await raw();
    for (const byte of metadata()) socket.send(Uint8Array.of(byte));
    expect((await socket.frame()).readInt32BE(0)).toBe(3);
  });
});

describe('ApiVersions', () => {
  test.each([127, 5, -1])('version %i is answered in version 0 with UNSUPPORTED_VERSION', async (version) => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = (await raw()).send(framed(header(18, version, 77), Buffer.alloc(20)));
    const frame = await socket.frame();
    expect(frame.readInt32BE(0)).toBe(77);
    const answer = decode(ApiVersionsResponse, 0, frame, 4);
    expect(errorOf(answer.errorCode)).toBe(Errors.UNSUPPORTED_VERSION);
    expect(answer.apiKeys.map(({ apiKey }) => apiKey)).toContain(18);
    // The server keeps the connection open.
    socket.send(metadata());
    expect((await socket.frame()).readInt32BE(0)).toBe(3);
  });
});

/** A batch with one record, whose key and value are so regular that compression works on them. */
function batch(options: { compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' } = {}): Buffer {
  const value = bytesOf('a value that must never be read '.repeat(4));
  const records = Array.from({ length: 3 }, () => ({ key: null, value, headers: [], timestamp: Date.now() }));
  return Buffer.from(buildBatch({ records, compression: options.compression ?? 'none' }));
}

/** Applies `change` to the batch and then sets the right CRC. */
function changed(change: (bytes: Buffer) => void, bytes = batch()): Buffer {
  change(bytes);
  updateCrc(bytes);
  return bytes;
}

async function produce(records: Uint8Array | null, acks = -1, topic = 'kept', index = 0): Promise<string> {
  const socket = await raw();
  socket.send(
    ...requestFrame(
      ProduceRequest,
      { apiVersion: 8, correlationId: 5, clientId: 'x' },
      { acks, timeoutMs: 5_000, topicData: [{ name: topic, partitionData: [{ index, records }] }] },
    ),
  );
  const answer = decode(ProduceResponse, 8, await socket.frame(), 4);
  socket.close();
  const partition = answer.responses[0]?.partitionResponses[0];
  expect(partition?.baseOffset).toBe(-1);
  return errorOf(partition?.errorCode ?? -1).name;
}

describe('invalid record batches: the partition has an error, nothing is appended', () => {
  const attributes = 21;
  const lastOffsetDelta = 23;
  const count = 57;
  const content = 61;
  const garbled = (codec: number) => (): Buffer =>
    changed((bytes) => {
      bytes.writeInt16BE(codec, attributes);
      bytes.fill(0xa5, content);
    });
  const cases: readonly [string, () => Buffer | null, string][] = [
    // Kafka closes the connection.
    ['no records', () => null, 'INVALID_RECORD'],
    ['zero bytes', () => Buffer.alloc(0), 'INVALID_RECORD'],
    ['a wrong CRC', () => batch().fill(0, 17, 21), 'CORRUPT_MESSAGE'],
    [
      'a flipped bit in a value',
      () => Buffer.from(batch().map((b, i) => (i === 90 ? b ^ 4 : b))),
      'CORRUPT_MESSAGE',
    ],
    ['its last byte is missing', () => batch().subarray(0, -1), 'INVALID_RECORD'],
    ['only its header', () => batch().subarray(0, content), 'INVALID_RECORD'],
    ['half of its header', () => batch().subarray(0, 30), 'INVALID_RECORD'],
    ['eleven bytes', () => batch().subarray(0, 11), 'INVALID_RECORD'],
    ['a length of 0', () => changedLength(0), 'CORRUPT_MESSAGE'],
    ['a negative length', () => changedLength(-1), 'CORRUPT_MESSAGE'],
    ['a length below a header', () => changedLength(40), 'CORRUPT_MESSAGE'],
    // Kafka: UNKNOWN_SERVER_ERROR.
    ['a length of 2^31-1', () => changedLength(2 ** 31 - 1), 'INVALID_RECORD'],
    ['two batches', () => Buffer.concat([batch(), batch()]), 'INVALID_RECORD'],
    ['magic 0', () => Buffer.from(batch().fill(0, 16, 17)), 'INVALID_RECORD'],
    ['magic 1', () => Buffer.from(batch().fill(1, 16, 17)), 'INVALID_RECORD'],
    ['magic 3', () => Buffer.from(batch().fill(3, 16, 17)), 'CORRUPT_MESSAGE'],
    ['a count above the records', () => changed((b) => void b.writeInt32BE(4, count)), 'INVALID_RECORD'],
    ['a count below the records', () => changed((b) => void b.writeInt32BE(2, count)), 'INVALID_RECORD'],
    ['a count and a last offset above the records', () => changed((b) => lie(b, 4)), 'INVALID_RECORD'],
    ['a count and a last offset below the records', () => changed((b) => lie(b, 2)), 'INVALID_RECORD'],
    ['a count of 2^31-1', () => changed((b) => lie(b, 2 ** 31 - 1)), 'INVALID_RECORD'],
    ['a count of 0', () => changed((b) => lie(b, 0)), 'INVALID_RECORD'],
    ['a negative count', () => changed((b) => lie(b, -3)), 'INVALID_RECORD'],
    [
      'a record longer than its batch',
      () => changed((b) => void b.writeUInt8(0xfe, content)),
      'INVALID_RECORD',
    ],
    // Kafka: UNKNOWN_SERVER_ERROR.
    ['records of garbage', () => changed((b) => void b.fill(0xff, content)), 'INVALID_RECORD'],
    ['a control batch', () => changed((b) => void b.writeInt16BE(0x20, attributes)), 'INVALID_RECORD'],
    ['a producer without a sequence', () => changed((b) => void b.writeBigInt64BE(5n, 43)), 'INVALID_RECORD'],
  ];
  function lie(bytes: Buffer, records: number): void {
    bytes.writeInt32BE(records, count);
    bytes.writeInt32BE(records - 1, lastOffsetDelta);
  }
  function changedLength(length: number): Buffer {
    const bytes = batch();
    bytes.writeInt32BE(length, 8);
    return bytes;
  }
  test.each(cases)('%s', async (_, records, expected) => {
    onTestFailed(() => console.log(workshop.story()));
    expect(await produce(records())).toBe(expected);
  });

  // Apache Kafka answers some of these with UNKNOWN_SERVER_ERROR, on which producers send again. We answer with the precise
  // error.
  test.each([
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
    ['zstd', 4],
    ['unknown', 7],
  ])('garbage with the codec %s', async (_, codec) => {
    onTestFailed(() => console.log(workshop.story()));
    expect(['CORRUPT_MESSAGE', 'INVALID_RECORD']).toContain(await produce(garbled(codec)()));
  });

  test('a compressed batch with a wrong count', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const bytes = changed((b) => lie(b, 50), batch({ compression: 'gzip' }));
    expect(await produce(bytes)).toBe('INVALID_RECORD');
  });

  test('an unknown topic, an unknown partition, acks=2', async () => {
    onTestFailed(() => console.log(workshop.story()));
    expect(await produce(batch(), -1, 'nowhere')).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await produce(batch(), -1, 'kept', 9_999)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await produce(batch(), -1, 'kept', -1)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await produce(batch(), 2)).toBe('INVALID_REQUIRED_ACKS');
  });

  test('with acks=0 the connection is closed', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const socket = await raw();
    const topicData = [{ name: 'kept', partitionData: [{ index: 0, records: batch().fill(0, 17, 21) }] }];
    const head = { apiVersion: 8, correlationId: 5, clientId: 'x' };
    socket.send(...requestFrame(ProduceRequest, head, { acks: 0, timeoutMs: 5_000, topicData }));
    await socket.closed();
    expect(socket.received.length).toBe(0);
  });
});
