import { expect, test } from 'vitest';
import type { ConsumedRecord } from '../../src/client/fetcher.ts';
import { makeFormatter } from '../../src/cli/console/message-formatter.ts';
import { encode } from '../../src/protocol/codec/codec.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../src/protocol/messages/stored/group-records.ts';
import { encodeVersioned } from '../../src/protocol/records/versioned.ts';

// Expected texts are what Apache Kafka 4.3.1's formatters print.
const prefix = 'org.apache.kafka.tools.consumer.';

function printed(name: string, key: Uint8Array | null, value: Uint8Array | null): string {
  const formatter = makeFormatter(`${prefix}${name}MessageFormatter`, new Map());
  return new TextDecoder().decode(formatter.format({ key, value } as ConsumedRecord));
}

const offsetKey = encodeVersioned(1, encode(OffsetCommitKey, 0, { group: 'g', topic: 'a', partition: 0 }));
const offset = { offset: 2, metadata: '', commitTimestamp: 5, topicId: 'AAAAAAAAAAAAAAAAAAAACg' };
const groupKey = encodeVersioned(2, encode(GroupMetadataKey, 0, { group: 'm' }));

test('offsets are printed with the fields of their version, tombstones as null', () => {
  const keyText = '{"key":{"type":1,"data":{"group":"g","topic":"a","partition":0}},"value":';
  expect(printed('Offsets', offsetKey, encodeVersioned(4, encode(OffsetCommitValue, 4, offset)))).toBe(
    `${keyText}{"version":4,"data":{"offset":2,"leaderEpoch":-1,"metadata":"","commitTimestamp":5,"topicId":"AAAAAAAAAAAAAAAAAAAACg"}}}`,
  );
  expect(printed('Offsets', offsetKey, encodeVersioned(1, encode(OffsetCommitValue, 1, offset)))).toBe(
    `${keyText}{"version":1,"data":{"offset":2,"metadata":"","commitTimestamp":5,"expireTimestamp":-1}}}`,
  );
  expect(printed('Offsets', offsetKey, null)).toBe(`${keyText}null}`);
  expect(printed('Offsets', groupKey, null)).toBe('');
});

test('subscriptions and assignments in group records are printed as base64', () => {
  const member = {
    memberId: 'x',
    clientId: 'c',
    clientHost: '/h',
    sessionTimeout: 1,
    rebalanceTimeout: 2,
    subscription: Uint8Array.of(1, 2),
    assignment: new Uint8Array(0),
  };
  const value = { protocolType: '', generation: 0, protocol: null, leader: null, members: [member] };
  expect(printed('GroupMetadata', groupKey, encodeVersioned(3, encode(GroupMetadataValue, 3, value)))).toBe(
    '{"key":{"type":2,"data":{"group":"m"}},"value":{"version":3,"data":{"protocolType":"","generation":0,"protocol":null,"leader":null,"currentStateTimestamp":-1,"members":[{"memberId":"x","groupInstanceId":null,"clientId":"c","clientHost":"/h","rebalanceTimeout":2,"sessionTimeout":1,"subscription":"AQI=","assignment":""}]}}}',
  );
});

test('an unknown formatter class is refused', () => {
  expect(() => printed('Nice', null, null)).toThrow(`${prefix}NiceMessageFormatter`);
});
