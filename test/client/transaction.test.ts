/** To which coordinator a transaction sends its requests. The coordinators are scripted. */
import { expect, test } from 'vitest';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { Transaction } from '../../src/client/transaction.ts';
import type { Message } from '../../src/protocol/schema/fields.ts';
import { ManualTime } from '../broker/harness.ts';

const coordinators = { transaction: 1, group: 2 };

test('offsets of a group with any name are committed at the coordinator of the group', async () => {
  const time = new ManualTime();
  const sent: string[] = [];
  const answers = { errorCode: 0, producerId: 7, producerEpoch: 0, topics: [] };
  const client = {
    ports: { clock: time, scheduler: time },
    coordinator: (_key: string, of: 'group' | 'transaction' = 'group') => Promise.resolve(coordinators[of]),
    broker: (node: number) =>
      Promise.resolve({
        request: (request: Message) => {
          sent.push(`${request.name} to ${node}`);
          return Promise.resolve(answers);
        },
      }),
  } as unknown as KafkaClient;

  const transaction = new Transaction(client, { transactionalId: 'id', timeoutMs: 1_000, maxBlockMs: 1_000 });
  await transaction.initialize();
  const group = { groupId: 'transaction', generationId: -1, memberId: '', groupInstanceId: null };
  await transaction.commitOffsets(group, [{ topic: 't', partition: 0, offset: 5 }]);
  await transaction.end(true);

  expect(sent).toEqual([
    'InitProducerIdRequest to 1',
    'AddOffsetsToTxnRequest to 1',
    'TxnOffsetCommitRequest to 2',
    'EndTxnRequest to 1',
  ]);
});
