import { describe, expect, test } from 'vitest';
import {
  CloseConnection,
  defineHandler,
  type Handler,
  type HandlerResult,
  noResponse,
} from '../../../src/broker/handler.ts';
import { frameStallMs, requestsInFlightMax, writeStallMs } from '../../../src/broker/limits.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { HeartbeatRequest, HeartbeatResponse } from '../../../src/protocol/messages/groups/12-heartbeat.ts';
import { SyncGroupRequest, SyncGroupResponse } from '../../../src/protocol/messages/groups/14-sync-group.ts';
import {
  ListGroupsRequest,
  ListGroupsResponse,
} from '../../../src/protocol/messages/groups/16-list-groups.ts';
import { ApiVersionsRequest } from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import { frame, type MemoryConnection, settle, TestBroker } from '../harness.ts';

/** Heartbeat requests that complete when the test says so. Their member ids tell them apart. */
class Scripted {
  readonly started: string[] = [];
  readonly closed: string[] = [];
  readonly sent: string[] = [];
  readonly waiting = new Map<string, (outcome: 'ok' | Error) => void>();
  readonly admit = new Map<string, () => void>();

  handlers(): Handler[] {
    return [
      defineHandler(HeartbeatRequest, HeartbeatResponse, {
        versions: '0-4',
        listeners: ['broker'],
        handle: ({ memberId }, context) => {
          this.started.push(memberId);
          context.onClose(() => this.closed.push(memberId));
          context.onSent(() => this.sent.push(memberId));
          return this.#answer(memberId);
        },
      }),
      defineHandler(SyncGroupRequest, SyncGroupResponse, {
        versions: '0-5',
        listeners: ['broker'],
        ordered: true,
        handle: ({ memberId }) => {
          this.started.push(memberId);
          const ordered = memberId.startsWith('slow')
            ? new Promise<void>((resolve) => this.admit.set(memberId, resolve))
            : null;
          const response = this.#later(memberId).then(() => ({
            errorCode: 0,
            assignment: new Uint8Array(0),
          }));
          return { ordered, response };
        },
      }),
    ];
  }

  #later(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.set(name, (outcome) => (outcome === 'ok' ? resolve() : reject(outcome)));
    });
  }

  #answer(name: string): HandlerResult<{ errorCode: number }> {
    if (name === 'now') return { errorCode: 0 };
    if (name === 'silent') return noResponse;
    if (name === 'throw') throw new Error('a bug');
    if (name === 'refuse') throw new KafkaError(Errors.UNKNOWN_MEMBER_ID);
    if (name === 'close') throw new CloseConnection('');
    if (name === 'nonsense') return { errorCode: 1e9 };
    return this.#later(name).then(() => ({ errorCode: 0 }));
  }

  finish(name: string, outcome: 'ok' | Error = 'ok'): Promise<void> {
    this.waiting.get(name)?.(outcome);
    return settle();
  }
}

function heartbeat(memberId: string, correlationId: number): Uint8Array {
  return frame(HeartbeatRequest, 4, { groupId: 'g', generationId: 1, memberId }, correlationId);
}

function sync(memberId: string, correlationId: number): Uint8Array {
  return frame(
    SyncGroupRequest,
    3,
    { groupId: 'g', generationId: 1, memberId, assignments: [] },
    correlationId,
  );
}

function correlationIds(connection: MemoryConnection): number[] {
  return connection.frames().map((bytes) => Buffer.from(bytes).readInt32BE(0));
}

function setUp(properties = ''): { scripted: Scripted; broker: TestBroker } {
  const scripted = new Scripted();
  return { scripted, broker: new TestBroker({ handlers: scripted.handlers(), properties }) };
}

describe('the order of requests of a connection', () => {
  test('a request without `ordered` starts when the previous one is complete', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(Buffer.concat([heartbeat('a', 1), heartbeat('b', 2), heartbeat('c', 3)]));
    await settle();
    expect(scripted.started).toEqual(['a']);
    expect(connection.paused).toBe(true);
    await scripted.finish('a');
    expect(scripted.started).toEqual(['a', 'b']);
    await scripted.finish('b');
    await scripted.finish('c');
    expect(correlationIds(connection)).toEqual([1, 2, 3]);
    expect(connection.paused).toBe(false);
  });

  test('ordered requests run concurrently; their responses are sent in request order', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(Buffer.concat([sync('a', 1), sync('b', 2), sync('c', 3)]));
    await settle();
    expect(scripted.started).toEqual(['a', 'b', 'c']);
    await scripted.finish('c');
    await scripted.finish('b');
    expect(correlationIds(connection)).toEqual([]);
    await scripted.finish('a');
    expect(correlationIds(connection)).toEqual([1, 2, 3]);
    expect(connection.writes.length).toBe(1);
  });

  test('an ordered request starts when the previous one is admitted', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(sync('slow', 1), sync('b', 2));
    await settle();
    expect(scripted.started).toEqual(['slow']);
    scripted.admit.get('slow')?.();
    await settle();
    expect(scripted.started).toEqual(['slow', 'b']);
  });

  test('a request without `ordered` waits until all previous ones are complete', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(sync('a', 1), sync('b', 2), heartbeat('now', 3));
    await scripted.finish('b');
    expect(scripted.started).toEqual(['a', 'b']);
    await scripted.finish('a');
    expect(correlationIds(connection)).toEqual([1, 2, 3]);
  });

  test('a request without a response does not delay later responses', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    connection.feed(heartbeat('silent', 1), heartbeat('now', 2));
    await settle();
    expect(correlationIds(connection)).toEqual([2]);
  });

  test('500 requests are served in order, in one chunk and byte by byte', async () => {
    const { broker } = setUp();
    const frames = Buffer.concat(Array.from({ length: 500 }, (_, i) => heartbeat('now', i)));
    const expected = Array.from({ length: 500 }, (_, i) => i);
    const whole = broker.connect();
    whole.feed(frames);
    await settle();
    expect(correlationIds(whole)).toEqual(expected);
    expect(whole.writes.length).toBeLessThan(20);
    const pieces = broker.connect();
    for (const byte of frames) pieces.feed(Uint8Array.of(byte));
    await settle();
    expect(correlationIds(pieces)).toEqual(expected);
  });

  test('no more than requestsInFlightMax requests are in flight', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(Buffer.concat(Array.from({ length: 200 }, (_, i) => sync(`m${i}`, i))));
    await settle();
    expect(scripted.started.length).toBe(requestsInFlightMax);
    expect(connection.paused).toBe(true);
    for (let i = 0; i < 200; i++) await scripted.finish(`m${i}`);
    expect(correlationIds(connection).length).toBe(200);
    expect(connection.paused).toBe(false);
  });
});

describe('a handler', () => {
  test('that throws an unknown error is answered with UNKNOWN_SERVER_ERROR and logged; the connection stays open', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(heartbeat('throw', 1), heartbeat('later', 2), heartbeat('now', 3));
    await scripted.finish('later', new TypeError('another bug'));
    const codes = connection.frames().map((bytes) => Buffer.from(bytes).readInt16BE(9));
    expect(codes).toEqual([-1, -1, 0]);
    expect(broker.logger.at('error').length).toBe(2);
    expect(connection.closed).toBe(false);
  });

  test('that throws a KafkaError is answered with its code, without a line in the log', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    connection.feed(heartbeat('refuse', 1));
    await settle();
    expect(Buffer.from(connection.frames()[0] as Uint8Array).readInt16BE(9)).toBe(25);
    expect(broker.logger.at('error')).toEqual([]);
  });

  test('that throws CloseConnection, or whose response does not fit its schema, closes the connection', async () => {
    const { broker } = setUp();
    for (const member of ['close', 'nonsense']) {
      const connection = broker.connect();
      connection.feed(heartbeat(member, 1));
      await settle();
      expect(connection.closed).toBe(true);
      expect(connection.writes).toEqual([]);
    }
  });

  test('is notified when its connection closes, and its memory is released', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.feed(heartbeat('a', 1), heartbeat('b', 2));
    await settle();
    connection.destroy();
    await scripted.finish('a');
    expect(scripted.closed).toEqual(['a']);
    expect(scripted.sent).toEqual(['a']);
    expect(scripted.started).toEqual(['a']);
    expect(broker.server.connectionCount).toBe(0);
  });
});

describe('invalid input', () => {
  const head = (key: number, version: number) => {
    const bytes = Buffer.alloc(14);
    bytes.writeInt32BE(10, 0);
    bytes.writeInt16BE(key, 4);
    bytes.writeInt16BE(version, 6);
    return bytes;
  };
  const cut = heartbeat('now', 1);
  const short = Buffer.from(cut.subarray(0, cut.length - 2));
  short.writeInt32BE(short.length - 4);

  test.each<[string, Uint8Array]>([
    ['size -1', Uint8Array.of(255, 255, 255, 255)],
    ['size above the limit', Uint8Array.of(6, 64, 0, 1)],
    ['size 0', Uint8Array.of(0, 0, 0, 0)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a TLS hello', Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0)],
    ['api key -1', head(-1, 0)],
    ['api key 999', head(999, 0)],
    ['Produce v99', head(0, 99)],
    ['Produce v2, advertised but not served', head(0, 2)],
    ['Produce v-1', head(0, -1)],
    ['LeaderAndIsr', head(4, 0)],
    ['Vote on a client listener', head(52, 0)],
    ['BrokerHeartbeat on a client listener', head(63, 0)],
    ['Envelope', head(58, 0)],
    ['a header of four bytes', Uint8Array.of(0, 0, 0, 4, 0, 3, 0, 0)],
    ['a body that is cut', short],
    ['a header without a body', head(12, 0)],
  ])('%s closes the connection, with one line in the log', async (_name, bytes) => {
    const { broker } = setUp();
    const connection = broker.connect();
    const other = broker.connect();
    connection.feed(bytes);
    await settle();
    expect(connection.closed).toBe(true);
    expect(connection.writes).toEqual([]);
    expect(broker.logger.at('warn').length).toBe(1);
    other.feed(heartbeat('now', 1));
    await settle();
    expect(correlationIds(other)).toEqual([1]);
  });

  test('does not prevent the response to a valid request before it in the same chunk', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    connection.feed(Buffer.concat([heartbeat('now', 1), Uint8Array.of(255, 255, 255, 255)]));
    await settle();
    expect(connection.closed).toBe(true);
    expect(correlationIds(connection)).toEqual([1]);
  });

  test('does not include bytes behind the body: they are ignored', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    const longer = Buffer.concat([heartbeat('now', 1), Buffer.from('xyz')]);
    longer.writeInt32BE(longer.length - 4);
    connection.feed(longer);
    await settle();
    expect(correlationIds(connection)).toEqual([1]);
  });

  // Bound: warningsPerSecondMax.
  test('is logged no more than warningsPerSecondMax times a second', async () => {
    const { broker } = setUp();
    for (let i = 0; i < 100; i++) broker.connect().feed(Uint8Array.of(255, 0, 0, 0));
    expect(broker.logger.at('warn').length).toBe(10);
    await broker.time.advance(1_100);
    broker.connect().feed(Uint8Array.of(255, 0, 0, 0));
    expect(broker.logger.at('warn').length).toBe(12);
  });

  test('of random bytes does no more than close its own connection', async () => {
    const { broker } = setUp('socket.request.max.bytes=4096');
    let seed = 99;
    const random = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 8;
    };
    for (let round = 0; round < 400; round++) {
      const body = Uint8Array.from({ length: 8 + (random() % 60) }, () => random() & 255);
      const apis = [0, 1, 2, 3, 12, 14, 18, 19, 20, 21, 22, 23, 32, 35, 44, 55, 60, 61, 71, 75];
      body[0] = 0;
      body[1] = apis[random() % apis.length] as number;
      body[2] = 0;
      body[3] = random() % 14;
      const bytes = Buffer.concat([Buffer.alloc(4), body]);
      bytes.writeInt32BE(body.length);
      const connection = broker.connect();
      connection.feed(bytes);
      await settle(5);
      connection.destroy();
    }
    const probe = broker.connect();
    probe.feed(heartbeat('now', 9));
    await settle();
    expect(correlationIds(probe)).toEqual([9]);
    expect(broker.logger.at('error')).toEqual([]);
  });
});

describe('limits of connections', () => {
  test('a request waits for memory, and its connection is paused meanwhile', async () => {
    const { scripted, broker } = setUp('queued.max.request.bytes=200000\nsocket.request.max.bytes=200000');
    const big = (name: string, id: number) =>
      frame(
        SyncGroupRequest,
        3,
        {
          groupId: 'g',
          generationId: 1,
          memberId: name,
          assignments: [{ memberId: 'x', assignment: new Uint8Array(120_000) }],
        },
        id,
      );
    const [first, second, third] = [broker.connect(), broker.connect(), broker.connect()];
    first.feed(big('a', 1));
    second.feed(big('b', 2));
    third.feed(big('c', 3));
    await settle();
    expect(scripted.started).toEqual(['a']);
    expect([first.paused, second.paused, third.paused]).toEqual([false, true, true]);
    // Small requests of other connections are handled meanwhile.
    const small = broker.connect();
    small.feed(heartbeat('now', 4));
    await settle();
    expect(correlationIds(small)).toEqual([4]);
    second.destroy();
    await scripted.finish('a');
    expect(scripted.started).toEqual(['a', 'now', 'c']);
    expect(third.paused).toBe(false);
    await scripted.finish('c');
    expect(correlationIds(third)).toEqual([3]);
  });

  test('a client that does not read responses gets no further requests served, and is closed after writeStallMs', async () => {
    const { scripted, broker } = setUp();
    const connection = broker.connect();
    connection.writable = false;
    connection.feed(heartbeat('now', 1), heartbeat('now', 2));
    await settle();
    expect(scripted.started.length).toBe(1);
    expect(connection.paused).toBe(true);
    connection.drain();
    await settle();
    expect(scripted.started.length).toBe(2);
    await broker.time.advance(writeStallMs - 5_000);
    expect(connection.closed).toBe(false);
    await broker.time.advance(10_000);
    expect(connection.closed).toBe(true);
  });

  test('idle connections are closed; those with requests are not', async () => {
    const { broker } = setUp('connections.max.idle.ms=20000');
    const idle = broker.connect();
    const busy = broker.connect();
    const waiting = broker.connect();
    waiting.feed(heartbeat('a', 1));
    for (let i = 0; i < 6; i++) {
      busy.feed(heartbeat('now', i));
      await broker.time.advance(5_000);
    }
    expect([idle.closed, busy.closed, waiting.closed]).toEqual([true, false, false]);
    busy.destroy();
    waiting.destroy();
    await broker.time.advance(5_000);
    expect(broker.time.timerCount).toBe(0);
  });

  test('a connection whose frame stops arriving is closed after frameStallMs', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    connection.feed(heartbeat('now', 1).subarray(0, 9));
    await broker.time.advance(frameStallMs - 3_000);
    expect(connection.closed).toBe(false);
    await broker.time.advance(6_000);
    expect(connection.closed).toBe(true);
  });

  test('a stopped server closes all connections and refuses new ones', () => {
    const { broker } = setUp();
    const connection = broker.connect();
    broker.server.stop();
    expect(connection.closed).toBe(true);
    expect(broker.connect().closed).toBe(true);
  });

  test('a client that disconnected in the middle of a frame leaves no connection and no warning', async () => {
    const { broker } = setUp();
    const connection = broker.connect();
    connection.feed(frame(ApiVersionsRequest, 0, {}).subarray(0, 6));
    connection.destroy();
    await settle();
    expect(broker.server.connectionCount).toBe(0);
    expect(broker.logger.at('warn')).toEqual([]);
  });
});

describe('a response whose version has no error field', () => {
  test('closes the connection when the whole request fails', async () => {
    const handler = defineHandler(ListGroupsRequest, ListGroupsResponse, {
      versions: '0-5',
      listeners: ['broker'],
      handle: () => {
        throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
      },
    });
    const broker = new TestBroker({ handlers: [handler] });
    expect(await broker.inject(ListGroupsRequest, ListGroupsResponse, 4, { statesFilter: [] })).toMatchObject(
      { errorCode: 15 },
    );
  });
});
