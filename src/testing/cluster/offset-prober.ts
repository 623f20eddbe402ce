/**
 * A client that asks for end offsets and searches for timestamps with ListOffsets, and checks the answers (`offset-rules.ts`).
 */
import { Fetcher, offsetLatest } from '../../client/fetcher.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from '../../protocol/messages/records/02-list-offsets.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { Ledger } from './ledger.ts';
import { checkSearch, EndOffsets, timestampOf } from './offset-rules.ts';
import type { Verdict } from './verdict.ts';

/** How many timestamps are searched for in each partition at the end of a run. */
const finalSearches = 12;
/** Timestamps are searched for up to this multiple of a partition's length: about one in eleven is behind the last record. */
const beyond = 1.1;

/** A partition of which the offsets are asked for. */
export interface ProbedPartition {
  readonly topic: string;
  readonly partition: number;
  /**
   * Its records are in the ledger, so that timestamps can be searched for; otherwise only its last stable offset is asked for.
   */
  readonly isInLedger: boolean;
}

export interface OffsetProberOptions {
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  readonly partitions: readonly ProbedPartition[];
  /** The newest leader epoch of a partition in the metadata of any node until now. */
  readonly newestLeaderEpoch: (partition: string) => number;
}

export class OffsetProber {
  readonly #options: OffsetProberOptions;
  readonly #ends = new Map<string, EndOffsets>();

  constructor(options: OffsetProberOptions) {
    this.#options = options;
  }

  /** Makes one random request. Rejects when there is no answer. */
  async step(client: KafkaClient, random: SeededRandom): Promise<void> {
    const { partitions } = this.#options;
    const probed = partitions[random.u32() % partitions.length] as ProbedPartition;
    if (!probed.isInLedger || random.chance(0.5)) await this.#askForEnd(client, probed, random.chance(0.3));
    else await this.#search(client, probed, random);
  }

  async #askForEnd(client: KafkaClient, probed: ProbedPartition, isCommitted: boolean): Promise<void> {
    const { ledger, newestLeaderEpoch, verdict } = this.#options;
    const name = `${probed.topic}-${probed.partition}`;
    const isStable = isCommitted || !probed.isInLedger;
    const before = { leaderEpoch: newestLeaderEpoch(name), offset: ledger.endOffset(name) };
    const answer = await ask(client, probed, offsetLatest, isStable);
    if (answer === null) return;
    let ends = this.#ends.get(name);
    if (ends === undefined) {
      ends = new EndOffsets(name, verdict);
      this.#ends.set(name, ends);
    }
    ends.returned(answer, before);
  }

  async #search(client: KafkaClient, probed: ProbedPartition, random: SeededRandom): Promise<void> {
    const name = `${probed.topic}-${probed.partition}`;
    const wanted = timestampOf(Math.floor(random.fraction() * beyond * this.#options.ledger.endOffset(name)));
    const answer = await ask(client, probed, wanted, false);
    if (answer !== null) checkSearch(this.#options, name, wanted, answer, false);
  }

  /** After all writes: searches in a partition must find the first record, wherever it is. */
  async searchAll(client: KafkaClient, topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`;
    const fetcher = new Fetcher(client);
    const end = this.#options.ledger.endOffset(name);
    for (let search = 0; search <= finalSearches; search++) {
      const timestamp = timestampOf(Math.floor((search * beyond * end) / finalSearches));
      const found = await fetcher.offsets([{ topic, partition, timestamp }]);
      checkSearch(this.#options, name, timestamp, found.get(name) ?? { offset: -1, timestamp: -1 }, true);
    }
  }
}

/** Asks the partition's leader; null: there is none, or it returned an error. */
async function ask(
  client: KafkaClient,
  { topic, partition }: ProbedPartition,
  timestamp: number,
  isCommitted: boolean,
): Promise<{ offset: number; timestamp: number; leaderEpoch: number } | null> {
  const cluster = await client.metadata([topic]);
  const leader = cluster.topics.get(topic)?.partitions[partition]?.leader ?? -1;
  if (leader < 0) return null;
  const answer = await client.requestTo(leader, ListOffsetsRequest, ListOffsetsResponse, {
    replicaId: -1,
    isolationLevel: isCommitted ? 1 : 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
  });
  const found = answer.topics[0]?.partitions[0];
  return found === undefined || found.errorCode !== 0 ? null : found;
}
