/**
 * The protocol side of a broker, with fakes around it: connections in memory, a clock that only the test advances, replicas
 * that are arrays, a controller that is a table of functions. `inject` sends a request through the whole pipeline.
 */
import { type Clock, type Scheduler, type Timer } from '../../src/base/clock.ts';
import { nodeId } from '../../src/base/ids.ts';
import type { Address, Connection } from '../../src/base/network.ts';
import { ClientMetrics } from '../../src/broker/client-metrics.ts';
import { PushedMetrics } from '../../src/broker/pushed-metrics.ts';
import { ClientQuotas, quotaWindowsOf } from '../../src/broker/quotas/client-quotas.ts';
import { KafkaServer } from '../../src/broker/kafka-server.ts';
import type { Handler } from '../../src/broker/handler.ts';
import { ImageWatch } from '../../src/broker/image-watch.ts';
import type { BrokerServices, LogDirectoryDescription } from '../../src/broker/services.ts';
import { TopicTraffic } from '../../src/broker/topic-traffic.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import { type MetadataRecord, record } from '../../src/metadata/records.ts';
import { decode } from '../../src/protocol/codec/codec.ts';
import { decodeResponseHeader, requestFrame } from '../../src/protocol/frames.ts';
import { type ErrorRow, KafkaError } from '../../src/protocol/errors.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import type { Infer, Init, Message, Shape } from '../../src/protocol/schema/fields.ts';
import type { QuorumStatus } from '../../src/raft/api.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { FakeBrokers, FakeController, FakeReplica } from './fakes.ts';

/** Lets pending promises complete. */
export async function settle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await Promise.resolve();
}

export class ManualTime implements Clock, Scheduler {
  nowMs = 1_000_000;
  /** How much later each reading of the monotonic clock is. */
  stepMs = 0;
  #timers: { atMs: number; callback: (() => void) | null }[] = [];

  monotonicMs(): number {
    this.nowMs += this.stepMs;
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: { atMs: number; callback: (() => void) | null } = { atMs: this.nowMs + delayMs, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.callback = null;
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(callback: () => void): void {
    queueMicrotask(callback);
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.nowMs = Math.max(this.nowMs, due.atMs);
      this.#timers = this.#timers.filter((other) => other !== due);
      due.callback?.();
      await settle();
    }
    this.nowMs = endMs;
    await settle();
  }
}

export class MemoryConnection implements Connection {
  readonly remote: Address;
  readonly local: Address = { host: '127.0.0.1', port: 9092 };
  onData: (chunk: Uint8Array) => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  onDrain: () => void = () => {};
  readonly writes: Uint8Array[][] = [];
  paused = false;
  closed = false;
  /** False: every write fills the socket until `drain` is called. */
  writable = true;
  #chunks: Uint8Array[] = [];

  constructor(host = '10.0.0.9') {
    this.remote = { host, port: 50_000 };
  }

  write(buffers: readonly Uint8Array[]): boolean {
    this.writes.push(buffers.map((buffer) => Uint8Array.from(buffer)));
    return this.writable;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && !this.closed && this.#chunks.length > 0)
      this.onData(this.#chunks.shift() as Uint8Array);
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose(null);
  }

  /** Passes bytes of the client to the broker. While the broker does not read, they are kept. */
  feed(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (this.closed) return;
      if (this.paused) this.#chunks.push(chunk);
      else this.onData(chunk);
    }
  }

  drain(): void {
    this.onDrain();
  }

  get sent(): Uint8Array {
    return Buffer.concat(this.writes.flat());
  }

  /** The complete frames that the broker has sent, without their sizes. */
  frames(): Uint8Array[] {
    const bytes = Buffer.from(this.sent);
    const frames: Uint8Array[] = [];
    for (let at = 0; at + 4 <= bytes.length; ) {
      const end = at + 4 + bytes.readInt32BE(at);
      if (end > bytes.length) break;
      frames.push(bytes.subarray(at + 4, end));
      at = end;
    }
    return frames;
  }
}

export const idA = 'AAAAAAAAAAAAAAAAAAAAew';
export const idB = 'AAAAAAAAAAAAAAAAAAABew';

export function brokerRecord(id: number, fenced = false): MetadataRecord {
  return record('RegisterBrokerRecord', {
    brokerId: id,
    incarnationId: idA,
    brokerEpoch: id * 10,
    endPoints: [{ name: 'PLAINTEXT', host: `host${id}`, port: 9090 + id, securityProtocol: 0 }],
    features: [],
    rack: null,
    fenced,
    logDirs: [],
  });
}

export function topicRecords(
  name: string,
  topicId: string,
  partitions: number,
  leader = 1,
): MetadataRecord[] {
  return [
    record('TopicRecord', { name, topicId }),
    ...Array.from({ length: partitions }, (_, partitionId) =>
      record('PartitionRecord', {
        topicId,
        partitionId,
        replicas: [1, 2],
        isr: [1, 2],
        removingReplicas: [],
        addingReplicas: [],
        leader,
        leaderEpoch: 5,
        partitionEpoch: 0,
        directories: [],
      }),
    ),
  ];
}

/** One batch of `count` records, each with a value of `sizeBytes`. */
export function batchOf(
  count = 1,
  sizeBytes = 10,
  options: Partial<Parameters<typeof buildBatch>[0]> = {},
): Uint8Array {
  const value = new Uint8Array(sizeBytes).fill(97);
  return buildBatch({
    records: Array.from({ length: count }, () => ({ value, timestamp: 1_000 })),
    ...options,
  });
}

export class RecordingLogger implements Logger {
  readonly lines: { level: string; message: string; fields: Record<string, unknown> | undefined }[] = [];

  debug(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'error', message, fields });
  }

  child(): Logger {
    return this;
  }

  at(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

const baseProperties = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/nowhere
`;

export interface TestBrokerOptions {
  readonly properties?: string;
  readonly records?: readonly MetadataRecord[];
  readonly handlers?: readonly Handler[];
}

export class TestBroker {
  readonly time = new ManualTime();
  readonly controller = new FakeController();
  readonly brokers = new FakeBrokers();
  readonly pushedMetrics = new PushedMetrics(this.time);
  readonly logger = new RecordingLogger();
  readonly replicas = new Map<string, FakeReplica>();
  readonly directories: LogDirectoryDescription[] = [];
  /** By rack: the replica from which consumers of that rack should read. */
  readonly preferred = new Map<string, number>();
  readonly moves: string[] = [];
  moveError: ErrorRow | null = null;
  readonly server: KafkaServer;
  readonly services: BrokerServices;
  readonly quotas: ClientQuotas;
  quorum: QuorumStatus = {
    role: 'leader',
    leaderId: nodeId(1),
    epoch: 3,
    highWatermark: 10,
    logStartOffset: 0,
    logEndOffset: 11,
    voters: [],
    observers: [],
  };
  image: MetadataImage = emptyImage();
  #seed = 7;

  constructor(options: TestBrokerOptions = {}) {
    const imageWatch = new ImageWatch(() => this.image, this.time);
    const config = NodeConfig.parse(baseProperties + (options.properties ?? ''));
    this.quotas = new ClientQuotas(quotaWindowsOf(config), this.time);
    this.services = {
      nodeId: nodeId(1),
      clusterId: 'test-cluster',
      config,
      clock: this.time,
      scheduler: this.time,
      random: {
        u32: () => this.#u32(),
        bytes: (count) => new Uint8Array(count).map(() => this.#u32() & 255),
      },
      logger: this.logger,
      metadata: () => this.image,
      imageWatch,
      quotas: this.quotas,
      controller: this.controller,
      quorum: () => this.quorum,
      supportedFeatures: new Map([
        ['metadata.version', { min: 7, max: 30 }],
        ['group.version', { min: 0, max: 1 }],
        ['kraft.version', { min: 0, max: 1 }],
      ]),
      replicas: {
        partition: (topicId, index) => this.replicas.get(`${topicId}/${index}`) ?? null,
        preferredReadReplica: (_topicId, _index, rack) => this.preferred.get(rack) ?? -1,
      },
      logDirectories: {
        describe: async () => this.directories,
        move: async (topic, index, path) => {
          this.moves.push(`${topic}-${index} to ${path}`);
          if (this.moveError !== null) throw new KafkaError(this.moveError);
        },
      },
      traffic: new TopicTraffic(() => true),
      clientMetrics: new ClientMetrics(),
      pushedMetrics: this.pushedMetrics,
      brokers: this.brokers,
    };
    this.apply(
      options.records ?? [
        brokerRecord(1),
        brokerRecord(2),
        ...topicRecords('a', idA, 3),
        ...topicRecords('b', idB, 1),
      ],
    );
    this.server = new KafkaServer({
      services: this.services,
      broker: this.services,
      handlers: options.handlers ?? [],
    });
  }

  #u32(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed;
  }

  /** Replays records. Every partition that node 1 leads gets a replica. */
  apply(records: readonly MetadataRecord[]): void {
    const delta = new MetadataDelta(this.image);
    delta.replayAll(records);
    this.image = delta.apply(this.image.offset + 1, 1);
    this.quotas.onMetadataUpdate(this.image);
    for (const topic of this.image.topics.all()) {
      for (const { index, leader } of topic.partitions) {
        const key = `${topic.id}/${index}`;
        if (leader === 1 && !this.replicas.has(key))
          this.replicas.set(key, new FakeReplica(topic.name, topic.id, index));
      }
    }
    this.services.imageWatch.onMetadataUpdate();
  }

  replica(topicId: string, index: number): FakeReplica {
    return this.replicas.get(`${topicId}/${index}`) as FakeReplica;
  }

  connect(kind: 'broker' | 'controller' = 'broker', host = '10.0.0.9'): MemoryConnection {
    const connection = new MemoryConnection(host);
    this.server.accept(connection, kind === 'broker' ? 'PLAINTEXT' : 'CONTROLLER', kind);
    return connection;
  }

  /** Sends a request through the whole pipeline, on a connection of its own. Resolves to the response. */
  async inject<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    version: number,
    body: Init<Message<Q>>,
    options: { kind?: 'broker' | 'controller'; clientId?: string } = {},
  ): Promise<Infer<Message<S>>> {
    const connection = this.connect(options.kind);
    connection.feed(frame(request, version, body, 77, options.clientId));
    await settle();
    const [bytes] = connection.frames();
    if (bytes === undefined)
      throw new Error(connection.closed ? 'the connection was closed' : 'no response yet');
    const answer = readResponse(response, version, bytes);
    if (answer.correlationId !== 77) throw new Error(`correlation id ${answer.correlationId}`);
    connection.destroy();
    return answer.body;
  }
}

/** One request as a client sends it. */
export function frame<Q extends Shape>(
  request: Message<Q>,
  version: number,
  body: Init<Message<Q>>,
  correlationId = 1,
  clientId = 'test',
): Uint8Array {
  return Buffer.concat(requestFrame(request, { apiVersion: version, correlationId, clientId }, body));
}

export function readResponse<S extends Shape>(
  response: Message<S>,
  version: number,
  bytes: Uint8Array,
): { correlationId: number; body: Infer<Message<S>> } {
  const { correlationId, bodyAt } = decodeResponseHeader(response, version, bytes);
  return { correlationId, body: decode(response, version, bytes, bodyAt) };
}
