/**
 * Transactional producers and read_committed consumers. Each producer has its own transactional id. It writes to several
 * partitions and commits offsets in a transaction, which it commits or aborts, or in the middle of which it crashes. Then
 * another producer takes over its transactional id, while the crashed one may go on as a zombie.
 */
import { sleep } from '../../base/clock.ts';
import { Fetcher } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages/groups/09-offset-fetch.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';
import type { TopicPlan } from './swarm.ts';
import { NoAnswer, TxnClient } from './txn-client.ts';
import { type Transaction, TxnLedger } from './txn-ledger.ts';
import type { Verdict } from './verdict.ts';

export const txnTopic = 'payments';
export const txnPartitions = 3;
/** The transaction time-out, after which the coordinator aborts the transaction of a crashed producer. */
export const txnTimeoutMs = 3_000;
const patienceMs = 4_000;
const zombieMs = 1_500;
/** When this many polls in a row return no record, the partition counts as read to its end. */
const emptyPollsMax = 3;
const decoder = new TextDecoder();
const offsetFetchVersion = 7;

export interface TxnWorkloadOptions {
  readonly cluster: SimulatedCluster;
  readonly verdict: Verdict;
  readonly thinkMs: number;
  readonly isProducing: () => boolean;
  readonly isReading: () => boolean;
}

/** The plan of the topic to which transactions write; its replication is that of the topic `like`. */
export function txnTopicLike(like: TopicPlan): TopicPlan {
  return { ...like, name: txnTopic, partitions: txnPartitions };
}

export class TxnWorkload {
  readonly ledger: TxnLedger;
  readonly #options: TxnWorkloadOptions;
  #count = 0;

  constructor(options: TxnWorkloadOptions) {
    this.#options = options;
    this.ledger = new TxnLedger(options.verdict);
  }

  /** Runs the producers of one transactional id, one after the other; each fences the one before. */
  async produce(client: KafkaClient, random: SeededRandom, id: string): Promise<void> {
    const { isProducing, thinkMs } = this.#options;
    while (isProducing()) {
      const producer = new TxnClient(client, {
        transactionalId: id,
        transactionTimeoutMs: txnTimeoutMs,
        patienceMs,
      });
      if (!(await isDone(producer.init()))) {
        await sleep(client.ports.scheduler, thinkMs * 2);
        continue;
      }
      this.ledger.takenOver(id);
      const isWell = await this.#transactions(producer, random, id);
      if (isWell && random.chance(0.4)) await this.#crash(producer, random, id);
    }
  }

  /**
   * Makes some transactions. Returns false when one was refused or its outcome is unknown; then a new producer must replace
   * this one.
   */
  async #transactions(producer: TxnClient, random: SeededRandom, id: string): Promise<boolean> {
    const { isProducing, thinkMs } = this.#options;
    const count = 1 + (random.u32() % 8);
    for (let i = 0; i < count && isProducing(); i++) {
      if (!(await this.#transaction(producer, random, id))) return false;
      await sleep(producer.client.ports.scheduler, thinkMs);
    }
    return true;
  }

  /** Makes one transaction. Returns true when the producer may continue. */
  async #transaction(producer: TxnClient, random: SeededRandom, id: string): Promise<boolean> {
    const transaction = this.ledger.begin(id);
    if (!(await isDone(this.#fill(producer, random, transaction)))) {
      this.#mustAbort(transaction);
      return false;
    }
    return random.chance(0.75) ? this.#commit(producer, transaction) : this.#abort(producer, transaction);
  }

  async #fill(producer: TxnClient, random: SeededRandom, transaction: Transaction): Promise<void> {
    const first = random.u32() % txnPartitions;
    const touched = 1 + (random.u32() % txnPartitions);
    const writes: Promise<void>[] = [];
    for (let i = 0; i < touched; i++) {
      const partition = (first + i) % txnPartitions;
      const values = Array.from(
        { length: 1 + (random.u32() % 3) },
        () => `${transaction.id}:${this.#count++}`,
      );
      for (const value of values) this.ledger.writes(transaction, `${txnTopic}-${partition}`, value);
      writes.push(producer.send(txnTopic, partition, values));
    }
    if (random.chance(0.5)) {
      const offset = this.#count;
      writes.push(
        producer.sendOffset(groupOf(transaction.id), txnTopic, offset).then(() => {
          transaction.offset = offset;
        }),
      );
    }
    const [failed] = (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async #commit(producer: TxnClient, transaction: Transaction): Promise<boolean> {
    if (transaction.state === 'open') transaction.state = 'committing';
    if (!(await isDone(producer.end(true)))) return false;
    this.ledger.committed(transaction);
    this.#options.cluster.world.trace(`committed ${transaction.id}`);
    return true;
  }

  #abort(producer: TxnClient, transaction: Transaction): Promise<boolean> {
    this.#mustAbort(transaction);
    return isDone(producer.end(false));
  }

  #mustAbort(transaction: Transaction): void {
    transaction.state = 'aborted';
  }

  /**
   * Leaves a transaction open, as a crash does. Sometimes the producer goes on later, when another one has its transactional
   * id.
   */
  async #crash(producer: TxnClient, random: SeededRandom, id: string): Promise<void> {
    const transaction = this.ledger.begin(id);
    if (!(await isDone(this.#fill(producer, random, transaction)))) return this.#mustAbort(transaction);
    if (random.chance(0.5)) void this.#commitAsZombie(producer, transaction);
  }

  async #commitAsZombie(producer: TxnClient, transaction: Transaction): Promise<void> {
    await sleep(producer.client.ports.scheduler, zombieMs);
    await this.#commit(producer, transaction);
  }

  /** Reads a partition from its start with read_committed, again and again. */
  async consume(client: KafkaClient, partition: number): Promise<void> {
    const { isReading, thinkMs } = this.#options;
    while (isReading()) {
      await this.#readOnce(client, partition, 'a reader', () => !isReading());
      await sleep(client.ports.scheduler, thinkMs * 10);
    }
  }

  /** Reads everything once more and checks it, after all other clients have ended. */
  async readAgain(client: KafkaClient): Promise<void> {
    for (let partition = 0; partition < txnPartitions; partition++)
      await this.#readOnce(client, partition, 'the last reader', () => false);
    this.ledger.checkAll();
    for (const id of this.ledger.ids())
      this.ledger.checkOffset(id, await committedOffset(client, groupOf(id)));
  }

  async #readOnce(
    client: KafkaClient,
    partition: number,
    who: string,
    isEnough: () => boolean,
  ): Promise<void> {
    const fetcher = new Fetcher(client, { reset: 'none', isReadCommitted: true });
    fetcher.assign(txnTopic, partition, 0);
    for (let empty = 0; empty < emptyPollsMax && !isEnough(); ) {
      try {
        const records = await fetcher.poll(300, 1_000);
        for (const { offset, value } of records)
          this.ledger.read(
            `${txnTopic}-${partition}`,
            offset,
            decoder.decode(value ?? new Uint8Array(0)),
            who,
          );
        empty = records.length === 0 ? empty + 1 : 0;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // A broker does not respond, or a batch has a wrong checksum because of a disk fault: try again.
        await sleep(client.ports.scheduler, 100);
      }
    }
  }
}

function groupOf(id: string): string {
  return `group of ${id}`;
}

/** Waits for a call. False: it was refused, or its outcome is unknown. */
async function isDone(call: Promise<void>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof KafkaError) return false;
    throw error;
  }
}

async function committedOffset(client: KafkaClient, groupId: string): Promise<number> {
  for (;;) {
    try {
      const connection = await client.broker(await client.coordinator(groupId));
      const answer = await connection.request(
        OffsetFetchRequest,
        OffsetFetchResponse,
        {
          groupId,
          topics: [{ name: txnTopic, partitionIndexes: [0] }],
          groups: [],
          requireStable: true,
        },
        { version: offsetFetchVersion },
      );
      const partition = answer.topics[0]?.partitions[0];
      if (answer.errorCode === 0 && partition?.errorCode === 0) return partition.committedOffset;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    await sleep(client.ports.scheduler, 100);
  }
}
