/**
 * A compacted topic: one idempotent producer for each partition overwrites and deletes a few keys, and a consumer reads the
 * partition from its start again and again. Compaction may remove records that have a newer one of their key, and nothing else.
 */
import { type ConsumedRecord, Fetcher } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Producer, type ProducerRecord } from '../../client/producer.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { TopicPlan } from './swarm.ts';
import type { Verdict } from './verdict.ts';

export const tableTopic = 'table';
export const tablePartitions = 2;
const keysCount = 6;
const invariant = 'I36 compaction keeps the newest';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The topic of tables, with the same replicas as another topic. */
export function tableTopicLike(like: TopicPlan, compaction: Readonly<Record<string, string>>): TopicPlan {
  const configs = { ...like.configs, ...compaction, 'cleanup.policy': 'compact' };
  return { ...like, name: tableTopic, partitions: tablePartitions, configs };
}

interface Sent {
  readonly key: string;
  readonly isDeletion: boolean;
}

/** One pass of a reader over a partition. */
export interface Pass {
  readonly reader: string;
  lastOffset: number;
  lastSerial: number;
  /** The newest record of each key, by its serial. */
  readonly newest: Map<string, number>;
}

export function newPass(reader: string): Pass {
  return { reader, lastOffset: -1, lastSerial: -1, newest: new Map() };
}

/** What clients know of a partition. The serial of a record is its position among the records that were sent. */
export class Table {
  readonly name: string;
  readonly #verdict: Verdict;
  readonly #sent: Sent[] = [];
  /** The newest acknowledged record of each key, by its serial. */
  readonly #acknowledged = new Map<string, number>();
  endOffset = 0;

  constructor(name: string, verdict: Verdict) {
    this.name = name;
    this.#verdict = verdict;
  }

  send(sent: Sent): number {
    return this.#sent.push(sent) - 1;
  }

  recordOf(serial: number, partition: number): ProducerRecord {
    const { key, isDeletion } = this.#sent[serial] as Sent;
    return {
      topic: tableTopic,
      partition,
      key: encoder.encode(key),
      value: isDeletion ? null : encoder.encode(`${key}:${serial}`),
      headers: [{ key: 'serial', value: encoder.encode(String(serial)) }],
    };
  }

  acknowledged(serial: number, offset: number): void {
    const { key } = this.#sent[serial] as Sent;
    this.#acknowledged.set(key, Math.max(serial, this.#acknowledged.get(key) ?? 0));
    this.endOffset = Math.max(this.endOffset, offset + 1);
  }

  read(pass: Pass, { offset, key, value, headers }: ConsumedRecord): void {
    const report = (what: string): void =>
      this.#verdict.report(invariant, `${this.name}@${offset}, read by ${pass.reader}: ${what}`);
    const serial = Number(decoder.decode(headers[0]?.value ?? undefined));
    const name = decoder.decode(key ?? undefined);
    const sent = this.#sent[serial];
    if (sent === undefined || sent.key !== name || sent.isDeletion !== (value === null))
      report(`no producer sent record ${serial} with key ${name}`);
    if (offset <= pass.lastOffset) report(`it comes after offset ${pass.lastOffset}`);
    if (serial <= pass.lastSerial) report(`record ${serial} comes after record ${pass.lastSerial}`);
    pass.lastOffset = offset;
    pass.lastSerial = serial;
    pass.newest.set(name, serial);
  }

  /**
   * Checks that every key has its newest acknowledged record or a later one. A key without a record must have been deleted by
   * such a record.
   */
  check({ reader, newest }: Pass): void {
    for (const [key, acknowledged] of this.#acknowledged) {
      const found = newest.get(key);
      const isDeleted = this.#sent.some(
        (sent, serial) => serial >= acknowledged && sent.key === key && sent.isDeletion,
      );
      if (found === undefined ? isDeleted : found >= acknowledged) continue;
      this.#verdict.report(
        invariant,
        `${this.name}: ${reader} found record ${found ?? 'none'} of key ${key}; record ${acknowledged} is acknowledged`,
      );
    }
  }
}

export interface TableWorkloadOptions {
  readonly verdict: Verdict;
  readonly pause: () => Promise<void>;
  readonly isProducing: () => boolean;
  readonly isReading: () => boolean;
}

export class TableWorkload {
  readonly #options: TableWorkloadOptions;
  readonly #tables: readonly Table[];

  constructor(options: TableWorkloadOptions) {
    this.#options = options;
    this.#tables = Array.from(
      { length: tablePartitions },
      (_, partition) => new Table(`${tableTopic}-${partition}`, options.verdict),
    );
  }

  async produce(client: KafkaClient, random: SeededRandom, partition: number): Promise<void> {
    const { isProducing, pause } = this.#options;
    const table = this.#tables[partition] as Table;
    const producer = new Producer(client, random, {
      lingerMs: random.chance(0.5) ? 0 : 3,
      requestTimeoutMs: 2_000,
      deliveryTimeoutMs: 30_000,
      maxBlockMs: 20_000,
    });
    while (isProducing()) {
      const burst = 1 + (random.chance(0.3) ? random.u32() % 5 : 0);
      const serials = Array.from({ length: burst }, () =>
        table.send({ key: `k${random.u32() % keysCount}`, isDeletion: random.chance(0.15) }),
      );
      const outcomes = await Promise.allSettled(
        serials.map((serial) => producer.send(table.recordOf(serial, partition))),
      );
      for (const [position, outcome] of outcomes.entries())
        if (outcome.status === 'fulfilled')
          table.acknowledged(serials[position] as number, outcome.value.offset);
      await pause();
    }
  }

  /** Reads a partition from its start to its end, again and again. */
  async consume(client: KafkaClient, partition: number): Promise<void> {
    const { isReading, pause } = this.#options;
    while (isReading()) {
      // A consumer gets an error where a batch has a wrong checksum, or no broker can respond.
      await this.#pass(client, partition, 'a consumer').catch(() => undefined);
      await pause();
    }
  }

  /** At the end of a run: everything is read, and every key must have its newest record. */
  async readAgain(client: KafkaClient): Promise<void> {
    for (const [partition, table] of this.#tables.entries()) {
      for (;;) {
        const pass = await this.#pass(client, partition, 'the last reader').catch(() => null);
        if (pass !== null) {
          table.check(pass);
          break;
        }
        await this.#options.pause();
      }
    }
  }

  /** Reads up to the last offset that was acknowledged when it began. */
  async #pass(client: KafkaClient, partition: number, reader: string): Promise<Pass> {
    const table = this.#tables[partition] as Table;
    const pass = newPass(reader);
    const fetcher = new Fetcher(client, { reset: 'none' });
    fetcher.assign(tableTopic, partition, 0);
    const end = table.endOffset;
    while ((fetcher.position(tableTopic, partition) ?? 0) < end && this.#options.verdict.violation === null)
      for (const record of await fetcher.poll(300, 1_000)) table.read(pass, record);
    return pass;
  }
}
