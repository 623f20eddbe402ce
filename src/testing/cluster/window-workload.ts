/**
 * A topic whose oldest records an operator deletes with DeleteRecords, while a producer writes and a consumer reads. Only
 * records whose deletion was requested may be deleted. Deleted records must not come back while all nodes run, unless a deposed
 * leader still answers. After a crash they may, as in Kafka, because the log start offset is not synced with each deletion.
 */
import { Fetcher, offsetEarliest } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Producer } from '../../client/producer.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../protocol/messages/records/21-delete-records.ts';
import type { NodeId } from '../../base/ids.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster, SimulatedNode } from '../simulated-cluster.ts';
import type { Ledger } from './ledger.ts';
import type { TopicPlan } from './swarm.ts';
import type { Verdict } from './verdict.ts';

export const windowTopic = 'window';
const partition = 0;
const name = `${windowTopic}-${partition}`;
const invariant = 'I38 deletions of records';
const segmentBytes = '1000';
const deleteTimeoutMs = 2_000;
/** The pause between two deletions, as a multiple of the one between two records. */
const deletionPauses = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The topic of the window, with the same replicas as another topic and small segments, so that deletions remove segments. */
export function windowTopicLike(like: TopicPlan): TopicPlan {
  const configs = { ...like.configs, 'internal.segment.bytes': segmentBytes };
  return { ...like, name: windowTopic, partitions: 1, configs };
}

export interface WindowWorkloadOptions {
  readonly cluster: SimulatedCluster;
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  readonly pause: (times: number) => Promise<void>;
  readonly isProducing: () => boolean;
  readonly isReading: () => boolean;
}

/** A deletion that was acknowledged, and the incarnations of all nodes at that time. */
interface Deletion {
  readonly offset: number;
  readonly lives: readonly SimulatedNode['life'][];
}

/** Where the log of a node's replica begins; null: the node has no replica, or does not run. */
function startOn({ node }: SimulatedNode): number | null {
  return node?.replicas?.partition(windowTopic, partition)?.logStartOffset ?? null;
}

export class WindowWorkload {
  readonly #options: WindowWorkloadOptions;
  /** The largest offset up to which a deletion was requested. */
  #requested = 0;
  #deleted: Deletion = { offset: 0, lives: [] };

  constructor(options: WindowWorkloadOptions) {
    this.#options = options;
  }

  async produce(client: KafkaClient, random: SeededRandom): Promise<void> {
    const { ledger, pause, isProducing } = this.#options;
    const producer = new Producer(client, random, {
      lingerMs: random.chance(0.5) ? 0 : 3,
      requestTimeoutMs: 2_000,
      deliveryTimeoutMs: 30_000,
      maxBlockMs: 20_000,
    });
    for (let count = 0; isProducing(); ) {
      const burst = 1 + (random.chance(0.3) ? random.u32() % 5 : 0);
      const values = Array.from({ length: burst }, () => `${name}:${count++}`);
      const sent = values.map((value) =>
        producer.send({ topic: windowTopic, partition, value: encoder.encode(value) }),
      );
      for (const [position, outcome] of (await Promise.allSettled(sent)).entries())
        if (outcome.status === 'fulfilled')
          ledger.acknowledged(name, outcome.value.offset, values[position] as string);
      await pause(1);
    }
  }

  /** Deletes records again and again, up to acknowledged ones. */
  async trim(client: KafkaClient, random: SeededRandom): Promise<void> {
    const { ledger, pause, isProducing } = this.#options;
    while (isProducing()) {
      await pause(deletionPauses);
      const left = ledger.endOffset(name) - this.#requested;
      // A request without an answer proves nothing, so the error is ignored.
      await this.#delete(client, this.#requested + Math.floor(left * random.fraction() ** 2)).catch(() => {});
    }
  }

  async #delete(client: KafkaClient, offset: number): Promise<boolean> {
    const { cluster, verdict } = this.#options;
    const info = await client.metadata([windowTopic]);
    const leader = info.topics.get(windowTopic)?.partitions[partition]?.leader ?? -1;
    if (leader < 0) return false;
    this.#requested = Math.max(this.#requested, offset);
    const livesBefore = cluster.nodes.map(({ life }) => life);
    const answer = await client.requestTo(leader, DeleteRecordsRequest, DeleteRecordsResponse, {
      topics: [{ name: windowTopic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: deleteTimeoutMs,
    });
    const result = answer.topics[0]?.partitions[0];
    if (result === undefined || result.errorCode !== 0) return false;
    const { lowWatermark } = result;
    if (lowWatermark < offset || lowWatermark > this.#requested)
      verdict.report(invariant, `${name}: a deletion up to ${offset} returned ${lowWatermark}`);
    if (!this.#isUpToDate(leader)) return true;
    const late = this.#inSync().find(
      (node) => node.life === livesBefore[cluster.nodes.indexOf(node)] && (startOn(node) ?? offset) < offset,
    );
    if (late !== undefined)
      verdict.report(
        invariant,
        `${name}: all below ${offset} was deleted, but node ${late.id} begins at ${startOn(late)}`,
      );
    if (offset >= this.#deleted.offset)
      this.#deleted = { offset, lives: cluster.nodes.map(({ life }) => life) };
    return true;
  }

  /**
   * Whether the node `leader` has the newest metadata. A leader with older metadata may have been deposed, or may consider live
   * followers fenced; it then deletes without waiting for them, as in Kafka.
   */
  #isUpToDate(leader: number): boolean {
    const { cluster } = this.#options;
    const newest = Math.max(...cluster.images().map(({ offset }) => offset));
    return cluster.nodes.some(({ id, node }) => id === leader && node?.image?.offset === newest);
  }

  /**
   * The newest leader epoch. Null: a deposed leader does not know yet that it is deposed, for instance because it is cut off
   * from the other nodes. Such a leader answers clients, as in Kafka, and knows nothing of later deletions.
   */
  #epochOfOnlyLeader(): number | null {
    const { cluster } = this.#options;
    const newest = cluster.images().sort((a, b) => b.offset - a.offset)[0];
    const epoch = newest?.topics.byName(windowTopic)?.partitions[partition]?.leaderEpoch ?? -1;
    const isDeposed = cluster.nodes.some(({ node }) => {
      const replica = node?.replicas?.partition(windowTopic, partition);
      return replica?.isLeader === true && replica.leaderEpoch < epoch;
    });
    return isDeposed ? null : epoch;
  }

  /** The live nodes whose replica is in the ISR, by the newest metadata. */
  #inSync(): SimulatedNode[] {
    const { cluster } = this.#options;
    const newest = cluster.images().sort((a, b) => b.offset - a.offset)[0];
    const isr = newest?.topics.byName(windowTopic)?.partitions[partition]?.isr ?? [];
    return cluster.nodes.filter(
      ({ id }) =>
        isr.some((member) => member === id) && newest?.cluster.brokers.get(id as NodeId)?.fenced === false,
    );
  }

  /** Reads without a gap; when its next record was deleted, it continues at the log start offset. */
  async consume(client: KafkaClient): Promise<void> {
    const { isReading, pause } = this.#options;
    for (let next = 0; isReading(); await pause(2)) {
      try {
        next = await this.#readFrom(client, next, () => !isReading(), 'a consumer');
      } catch (error) {
        // A batch has a wrong checksum because of a disk fault, or a broker does not respond: the consumer tries again.
        if (!(error instanceof Error)) throw error;
      }
    }
  }

  /** Returns the offset at which to continue when its next record was deleted, or when `isEnough` returns true. */
  async #readFrom(
    client: KafkaClient,
    start: number,
    isEnough: (next: number) => boolean,
    who: string,
  ): Promise<number> {
    const { ledger, verdict } = this.#options;
    const fetcher = new Fetcher(client, { reset: 'none' });
    fetcher.assign(windowTopic, partition, start);
    let next = start;
    try {
      while (!isEnough(next) && verdict.violation === null) {
        for (const { offset, value } of await fetcher.poll(300, 1_000)) {
          if (offset !== next)
            verdict.report(invariant, `${name}: ${who} read ${offset} where ${next} was expected`);
          next = offset + 1;
          ledger.read(name, offset, decoder.decode(value ?? new Uint8Array(0)), who);
        }
      }
    } catch (error) {
      if (!(error instanceof KafkaError) || error.error !== Errors.OFFSET_OUT_OF_RANGE) throw error;
      if (next >= this.#requested)
        verdict.report(
          invariant,
          `${name}: ${next} is gone; deletions were requested up to ${this.#requested}`,
        );
      return Math.max(next, await this.#logStart(client));
    }
    return next;
  }

  async #logStart(client: KafkaClient): Promise<number> {
    const { cluster, verdict } = this.#options;
    const { offset: deleted, lives } = this.#deleted;
    const epochBefore = this.#epochOfOnlyLeader();
    const fetcher = new Fetcher(client, { reset: 'none' });
    const found = await fetcher.offsets([{ topic: windowTopic, partition, timestamp: offsetEarliest }]);
    const start = found.get(name)?.offset ?? -1;
    if (start > this.#requested)
      verdict.report(
        invariant,
        `${name} begins at ${start}; deletions were requested up to ${this.#requested} only`,
      );
    const hasRestarted = cluster.nodes.some(({ life }, at) => life !== lives[at]);
    const isFromLeader = epochBefore !== null && epochBefore === this.#epochOfOnlyLeader();
    if (start < deleted && !hasRestarted && isFromLeader)
      verdict.report(invariant, `${name} begins at ${start}, although all below ${deleted} was deleted`);
    return start;
  }

  /** Asks for the log start offset again and again. */
  async watchStart(client: KafkaClient): Promise<void> {
    const { isReading, pause } = this.#options;
    for (; isReading(); await pause(deletionPauses)) await this.#logStart(client).catch(() => {});
  }

  /** After all faults: a deletion is carried out, and everything that was not deleted is there. */
  async readAgain(client: KafkaClient): Promise<void> {
    const { ledger, pause, verdict } = this.#options;
    const end = ledger.endOffset(name);
    while (verdict.violation === null && !(await this.#delete(client, this.#requested).catch(() => false)))
      await pause(1);
    let next = await this.#logStart(client);
    while (next < end && verdict.violation === null)
      next = await this.#readFrom(client, next, (reached) => reached >= end, 'the last reader');
  }
}
