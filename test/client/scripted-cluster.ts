/**
 * Test double of a cluster for tests of the client, in memory and on a virtual clock. Its brokers store produced batches,
 * recognise repeated ones and return them to fetches. For each request, the script of the test decides what happens to it.
 */
import type { Address, Connection } from '../../src/base/network.ts';
import { type Uuid, uuidZero } from '../../src/base/uuid.ts';
import { KafkaClient } from '../../src/client/kafka-client.ts';
import { decode } from '../../src/protocol/codec/codec.ts';
import { type ErrorName, Errors } from '../../src/protocol/errors.ts';
import { responseFrame } from '../../src/protocol/frames.ts';
import { ProduceRequest, ProduceResponse } from '../../src/protocol/messages/records/00-produce.ts';
import { FetchRequest, FetchResponse } from '../../src/protocol/messages/records/01-fetch.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../src/protocol/messages/records/02-list-offsets.ts';
import { MetadataRequest, MetadataResponse } from '../../src/protocol/messages/cluster/03-metadata.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../src/protocol/messages/cluster/18-api-versions.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../src/protocol/messages/transactions/22-init-producer-id.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../src/protocol/messages/cluster/60-describe-cluster.ts';
import { batches, setBaseOffset } from '../../src/protocol/records/batch.ts';
import { decodeRequestHeader } from '../../src/protocol/request-header.ts';
import type { Infer, Init, Message, Shape } from '../../src/protocol/schema/fields.ts';
import { ManualTime, settle } from '../broker/harness.ts';

/**
 * What happens to a request. `lost`: the request is carried out but the answer never arrives; an error name: the answer has
 * that error.
 */
export type Fate = 'served' | 'closed' | 'lost' | 'silence' | ErrorName;

export interface AskedRequest {
  readonly api: string;
  readonly broker: number;
  readonly body: unknown;
}

interface Batch {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly producerId: number;
  readonly baseSequence: number;
}

const served: readonly Message[] = [
  ProduceRequest,
  FetchRequest,
  ListOffsetsRequest,
  MetadataRequest,
  ApiVersionsRequest,
  InitProducerIdRequest,
  DescribeClusterRequest,
];

/** The log of one partition, as its leader has it. */
export class ScriptedPartition {
  leader = 1;
  leaderEpoch = 0;
  readonly batches: Batch[] = [];
  endOffset = 0;
  private readonly nextSequences = new Map<number, number>();

  append(bytes: Uint8Array): { error: ErrorName; baseOffset: number } {
    const [header] = batches(bytes).headers;
    if (header === undefined) return { error: 'CORRUPT_MESSAGE', baseOffset: -1 };
    const { producerId, baseSequence, recordsCount } = header;
    if (producerId >= 0) {
      const known = this.batches.find(
        (batch) => batch.producerId === producerId && batch.baseSequence === baseSequence,
      );
      if (known !== undefined) return { error: 'NONE', baseOffset: known.baseOffset };
      if (baseSequence !== (this.nextSequences.get(producerId) ?? 0))
        return { error: 'OUT_OF_ORDER_SEQUENCE_NUMBER', baseOffset: -1 };
      this.nextSequences.set(producerId, baseSequence + recordsCount);
    }
    const baseOffset = this.endOffset;
    const copy = Uint8Array.from(bytes);
    setBaseOffset(copy, 0, baseOffset);
    this.batches.push({ bytes: copy, baseOffset, producerId, baseSequence });
    this.endOffset += recordsCount;
    return { error: 'NONE', baseOffset };
  }
}

export class ScriptedCluster {
  readonly time = new ManualTime();
  partitions: readonly ScriptedPartition[];
  /** The zero id means that the topic has none, as with brokers older than topic ids. */
  topicId: Uuid = uuidZero;
  /** When not null, brokers answer fetches with this partition in place of the requested ones. */
  foreignPartition: number | null = null;
  readonly asked: AskedRequest[] = [];
  /** Decides the fate of each request. */
  script: (request: AskedRequest) => Fate = () => 'served';
  private nextProducerId = 1;
  private readonly brokerCount: number;

  constructor(partitionCount = 1, brokerCount = 2) {
    this.partitions = Array.from({ length: partitionCount }, () => new ScriptedPartition());
    this.brokerCount = brokerCount;
  }

  client(options: { requestTimeoutMs?: number; isController?: boolean } = {}): KafkaClient {
    const network = { connect: (address: Address) => Promise.resolve(this.connect(address)) };
    const ports = { network, clock: this.time, scheduler: this.time };
    return new KafkaClient({ bootstrap: [{ host: 'b', port: 1 }], clientId: 'test', ...options }, ports);
  }

  /** Deletes the topic and creates it again, empty and with another id. */
  recreate(topicId: Uuid, partitionCount = this.partitions.length): void {
    this.topicId = topicId;
    this.partitions = Array.from({ length: partitionCount }, () => new ScriptedPartition());
  }

  /** Advances virtual time until `promise` settles; throws when it has not settled after one hour. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    for (let step = 0; !isSettled; step++) {
      if (step > 72_000) throw new Error('not settled within an hour');
      await settle();
      if (!isSettled) await this.time.advance(50);
    }
    return promise;
  }

  moveLeader(partition: number): void {
    const moved = this.partitions[partition] as ScriptedPartition;
    moved.leader = (moved.leader % this.brokerCount) + 1;
    moved.leaderEpoch++;
  }

  private connect(address: Address): Connection {
    const { time } = this;
    const broker = address.port;
    let isOpen = true;
    const connection: Connection = {
      remote: address,
      local: address,
      onData: () => {},
      onClose: () => {},
      onDrain: () => {},
      write: (buffers) => {
        if (isOpen) time.after(1, () => this.receive(broker, Buffer.concat(buffers), answer, close));
        return true;
      },
      pause: () => {},
      resume: () => {},
      // The server's direction stays open a little longer, as with a half-closed TCP connection.
      end: () => void time.after(5, () => close()),
      destroy: () => {
        isOpen = false;
      },
    };
    const answer = (frame: Uint8Array[]): void =>
      void time.after(1, () => {
        if (isOpen) connection.onData(Buffer.concat(frame));
      });
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      connection.onClose(null);
    };
    return connection;
  }

  private receive(
    broker: number,
    frame: Uint8Array,
    answer: (frame: Uint8Array[]) => void,
    close: () => void,
  ): void {
    const { apiKey, apiVersion, correlationId, bodyAt } = decodeRequestHeader(frame, 4);
    const message = served.find(({ key }) => key === apiKey) as Message;
    const body = decode(message, apiVersion, frame, bodyAt);
    const request = { api: message.name.replace('Request', ''), broker, body };
    const fate = this.script(request);
    this.asked.push(request);
    if (fate === 'closed') return close();
    const error = ['served', 'lost', 'silence'].includes(fate) ? null : (fate as ErrorName);
    const [response, init] = this.serve(request, error);
    if (fate === 'silence') return;
    if (fate === 'lost') return close();
    answer(responseFrame(response, { apiVersion, correlationId }, init as Init<Message<Shape>>));
  }

  private serve({ api, broker, body }: AskedRequest, error: ErrorName | null): [Message, unknown] {
    const errorCode = Errors[error ?? 'NONE'].code;
    switch (api) {
      case 'ApiVersions':
        return [
          ApiVersionsResponse,
          {
            errorCode,
            apiKeys: served.map(({ key, versions }) => ({
              apiKey: key,
              minVersion: versions.min,
              maxVersion: versions.max,
            })),
          },
        ];
      case 'Metadata':
        return [MetadataResponse, this.metadata(body as Infer<typeof MetadataRequest>, errorCode)];
      case 'InitProducerId':
        return [
          InitProducerIdResponse,
          { errorCode, producerId: error === null ? this.nextProducerId++ : -1, producerEpoch: 0 },
        ];
      case 'DescribeCluster':
        // The node with the highest id is the active controller.
        return [
          DescribeClusterResponse,
          { errorCode, clusterId: 'c', controllerId: this.brokerCount, brokers: this.nodes('brokerId') },
        ];
      case 'Produce':
        return [ProduceResponse, this.produce(broker, body as Infer<typeof ProduceRequest>, error)];
      case 'Fetch':
        return [FetchResponse, this.fetch(broker, body as Infer<typeof FetchRequest>, error)];
      default:
        return [ListOffsetsResponse, this.listOffsets(body as Infer<typeof ListOffsetsRequest>, errorCode)];
    }
  }

  private nodes(idName: string): { host: string; port: number }[] {
    return Array.from({ length: this.brokerCount }, (_, at) => ({
      [idName]: at + 1,
      host: 'b',
      port: at + 1,
      rack: null,
      isFenced: false,
    }));
  }

  private metadata({ topics }: Infer<typeof MetadataRequest>, errorCode: number): unknown {
    return {
      brokers: this.nodes('nodeId'),
      controllerId: 1,
      topics: (topics ?? []).map(({ name }) => ({
        errorCode,
        name,
        topicId: this.topicId,
        isInternal: false,
        partitions: this.partitions.map(({ leader, leaderEpoch }, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: leader,
          leaderEpoch,
          replicaNodes: [1, 2],
          isrNodes: [1, 2],
        })),
      })),
    };
  }

  private produce(broker: number, body: Infer<typeof ProduceRequest>, error: ErrorName | null): unknown {
    const responses = body.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index, records }) => {
        const partition = this.partitions[index] as ScriptedPartition;
        const done =
          error !== null
            ? { error, baseOffset: -1 }
            : partition.leader === broker
              ? partition.append(records ?? new Uint8Array(0))
              : { error: 'NOT_LEADER_OR_FOLLOWER' as const, baseOffset: -1 };
        return { index, errorCode: Errors[done.error].code, baseOffset: done.baseOffset };
      }),
    }));
    return { responses };
  }

  private fetch(broker: number, body: Infer<typeof FetchRequest>, error: ErrorName | null): unknown {
    const responses = body.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition: index, fetchOffset, currentLeaderEpoch }) => {
        const partition = this.partitions[index] ?? new ScriptedPartition();
        let found: ErrorName = error ?? 'NONE';
        if (error === null && topicId !== uuidZero && topicId !== this.topicId) found = 'UNKNOWN_TOPIC_ID';
        else if (error === null && partition.leader !== broker) found = 'NOT_LEADER_OR_FOLLOWER';
        else if (error === null && currentLeaderEpoch < partition.leaderEpoch) found = 'FENCED_LEADER_EPOCH';
        else if (error === null && fetchOffset > partition.endOffset) found = 'OFFSET_OUT_OF_RANGE';
        const from = partition.batches.findLastIndex(({ baseOffset }) => baseOffset <= fetchOffset);
        const isAtEnd = fetchOffset >= partition.endOffset;
        const records =
          found !== 'NONE' || isAtEnd || from < 0
            ? new Uint8Array(0)
            : Buffer.concat(partition.batches.slice(from, from + 2).map(({ bytes }) => bytes));
        return {
          partitionIndex: this.foreignPartition ?? index,
          errorCode: Errors[found].code,
          highWatermark: partition.endOffset,
          abortedTransactions: null,
          records,
        };
      }),
    }));
    return { errorCode: 0, responses };
  }

  private listOffsets({ topics }: Infer<typeof ListOffsetsRequest>, errorCode: number): unknown {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode,
          timestamp: -1,
          offset: timestamp === -2 ? 0 : (this.partitions[partitionIndex] as ScriptedPartition).endOffset,
        })),
      })),
    };
  }
}
