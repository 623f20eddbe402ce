/**
 * Checks that committed offsets are not lost (I26): a client commits increasing offsets one after the other and reads the
 * committed offset in between. Every read must return at least the last offset whose commit was acknowledged, and at most the
 * last one that was sent.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../protocol/messages/groups/08-offset-commit.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages/groups/09-offset-fetch.ts';
import type { Verdict } from './verdict.ts';

const groupId = 'register';
const topic = 'ledger';

export class CommitRegister {
  private readonly verdict: Verdict;
  private sent = -1;
  private acknowledged = -1;

  constructor(verdict: Verdict) {
    this.verdict = verdict;
  }

  /** Commits the next number; before every second commit, reads the committed one. Rejects when there is no response. */
  async step(client: KafkaClient): Promise<void> {
    const coordinator = await client.coordinator(groupId);
    if (this.sent % 2 === 0) await this.read(client, coordinator);
    await this.write(client, coordinator);
  }

  private async write(client: KafkaClient, coordinator: number): Promise<void> {
    const number = ++this.sent;
    const connection = await client.broker(coordinator);
    const answer = await connection.request(
      OffsetCommitRequest,
      OffsetCommitResponse,
      {
        groupId,
        memberId: '',
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: 0, committedOffset: number, committedMetadata: '' }],
          },
        ],
      },
      { versionMax: 9 },
    );
    if (answer.topics[0]?.partitions[0]?.errorCode === 0) this.acknowledged = number;
  }

  private async read(client: KafkaClient, coordinator: number): Promise<void> {
    const floor = this.acknowledged;
    const connection = await client.broker(coordinator);
    const answer = await connection.request(
      OffsetFetchRequest,
      OffsetFetchResponse,
      { groupId, topics: [{ name: topic, partitionIndexes: [0] }], groups: [] },
      { versionMax: 7 },
    );
    const partition = answer.topics[0]?.partitions[0];
    const code =
      answer.errorCode === 0 ? (partition?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code) : answer.errorCode;
    if (code !== 0) throw new KafkaError(errorOf(code));
    const found = partition?.committedOffset ?? -1;
    if (found < floor || found > this.sent) {
      this.verdict.report(
        'I26 commits are not lost',
        `${groupId} reads ${found}, though ${floor} was acknowledged and ${this.sent} sent last`,
      );
    }
  }
}
