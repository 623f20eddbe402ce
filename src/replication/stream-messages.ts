/**
 * What leader and follower brokers say on a stream of channel 'replication'. One byte version, one byte type, then the body.
 *
 *   follower                              leader
 *   hello (who, window)         ->
 *   subscribe (slots)           ->
 *                               <-        push (records, high watermark, log start; many slots) | refuse (slots)
 *   ack (slots, credit)         ->
 *   unsubscribe (slots)         ->
 *
 * A slot names one subscription on one stream and is never used again on it, so that a message that was on its way when the
 * follower subscribed anew (other leader epoch, other offset) is recognised as old and dropped.
 * Records travel as the leader's log has them.
 */
import type { Uuid } from '../base/uuid.ts';
import { ByteReader, ByteWriter, StreamError } from './bytes.ts';

export const streamVersion = 1;

const messageType = { hello: 1, subscribe: 2, unsubscribe: 3, ack: 4, push: 5, refuse: 6 } as const;

export interface Hello {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** Whom the follower means to talk to: an address may have got a new owner. */
  readonly leaderId: number;
  /** How many bytes of records may be on their way without credit given back. */
  readonly windowBytes: number;
}

export interface Subscribe {
  readonly slot: number;
  readonly topicId: Uuid;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** Epoch of the follower's last record, -1 when it has none. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

export interface SlotAck {
  readonly slot: number;
  readonly logEndOffset: number;
  readonly logStartOffset: number;
}

export interface Ack {
  /** Pushes dealt with, and their bytes, since the last ack. */
  readonly pushes: number;
  readonly creditBytes: number;
  readonly slots: readonly SlotAck[];
}

export interface PushEntry {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly records: Uint8Array;
}

/** An entry on its way out: its records are still in pieces. */
export interface PushParts {
  readonly slot: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
}

export interface Refusal {
  readonly slot: number;
  /** Kafka's error code; 0 says that the logs diverge. */
  readonly errorCode: number;
  /** The largest epoch not above the follower's last that the leader knows, and its end; -1 when that is not the matter. */
  readonly divergingEpoch: number;
  readonly divergingEndOffset: number;
  readonly leaderStartOffset: number;
  readonly leaderEndOffset: number;
}

export type FollowerMessage =
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'subscribe'; readonly slots: readonly Subscribe[] }
  | { readonly type: 'unsubscribe'; readonly slots: readonly number[] }
  | { readonly type: 'ack'; readonly ack: Ack };

export type LeaderMessage =
  | { readonly type: 'push'; readonly entries: readonly PushEntry[] }
  | { readonly type: 'refuse'; readonly refusals: readonly Refusal[] };

function begin(type: number, capacityBytes: number): ByteWriter {
  const writer = new ByteWriter(capacityBytes);
  writer.byte(streamVersion);
  writer.byte(type);
  return writer;
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = begin(messageType.hello, 64);
  writer.number(hello.brokerId);
  writer.number(hello.brokerEpoch);
  writer.number(hello.leaderId);
  writer.number(hello.windowBytes);
  return writer.finish();
}

/** `itemBytesMax` is a guess that saves growing. */
function encodeList<T>(
  type: number,
  items: readonly T[],
  itemBytesMax: number,
  write: (writer: ByteWriter, item: T) => void,
): Uint8Array {
  const writer = begin(type, 16 + items.length * itemBytesMax);
  writeList(writer, items, write);
  return writer.finish();
}

function writeList<T>(
  writer: ByteWriter,
  items: readonly T[],
  write: (writer: ByteWriter, item: T) => void,
): void {
  writer.number(items.length);
  for (const item of items) write(writer, item);
}

/** An item takes at least `itemBytesMin`: what claims to hold more of them than fit is refused before memory is taken for them. */
function readList<T>(reader: ByteReader, itemBytesMin: number, read: (reader: ByteReader) => T): T[] {
  const items: T[] = [];
  for (let count = reader.count(itemBytesMin); count > 0; count--) items.push(read(reader));
  return items;
}

export function encodeSubscribe(slots: readonly Subscribe[]): Uint8Array {
  return encodeList(messageType.subscribe, slots, 48, (writer, slot) => {
    writer.number(slot.slot);
    writer.uuid(slot.topicId);
    writer.number(slot.index);
    writer.number(slot.leaderEpoch);
    writer.number(slot.fetchOffset);
    writer.optional(slot.lastFetchedEpoch);
    writer.number(slot.logStartOffset);
  });
}

export function encodeUnsubscribe(slots: readonly number[]): Uint8Array {
  return encodeList(messageType.unsubscribe, slots, 4, (writer, slot) => writer.number(slot));
}

export function encodeAck(ack: Ack): Uint8Array {
  const writer = begin(messageType.ack, 32 + ack.slots.length * 20);
  writer.number(ack.pushes);
  writer.number(ack.creditBytes);
  writeList(writer, ack.slots, (to, slot) => {
    to.number(slot.slot);
    to.number(slot.logEndOffset);
    to.number(slot.logStartOffset);
  });
  return writer.finish();
}

/** Bytes that an entry takes at most beside its records. */
export const pushEntryOverheadBytes = 32;

/** Builds one push; the records are copied once, into the message. `recordsBytes` is what the records take in all. */
export function encodePush(entries: readonly PushParts[], recordsBytes: number): Uint8Array {
  const writer = begin(messageType.push, 2 + recordsBytes + entries.length * pushEntryOverheadBytes);
  for (const entry of entries) {
    writer.number(entry.slot);
    writer.number(entry.highWatermark);
    writer.number(entry.logStartOffset);
    writer.number(entry.sizeBytes);
    for (const part of entry.parts) writer.raw(part);
  }
  return writer.finish();
}

export function encodeRefuse(refusals: readonly Refusal[]): Uint8Array {
  return encodeList(messageType.refuse, refusals, 40, (writer, refusal) => {
    writer.number(refusal.slot);
    writer.number(refusal.errorCode);
    writer.optional(refusal.divergingEpoch);
    writer.optional(refusal.divergingEndOffset);
    writer.optional(refusal.leaderStartOffset);
    writer.optional(refusal.leaderEndOffset);
  });
}

function open(message: Uint8Array): { type: number; reader: ByteReader } {
  const reader = new ByteReader(message);
  const version = reader.byte();
  if (version !== streamVersion) throw new StreamError(`replication stream version ${version} is not known`);
  return { type: reader.byte(), reader };
}

function readSubscribe(reader: ByteReader): Subscribe {
  return {
    slot: reader.number(),
    topicId: reader.uuid(),
    index: reader.number(),
    leaderEpoch: reader.number(),
    fetchOffset: reader.number(),
    lastFetchedEpoch: reader.optional(),
    logStartOffset: reader.number(),
  };
}

function readSlotAck(reader: ByteReader): SlotAck {
  return { slot: reader.number(), logEndOffset: reader.number(), logStartOffset: reader.number() };
}

function readRefusal(reader: ByteReader): Refusal {
  return {
    slot: reader.number(),
    errorCode: reader.number(),
    divergingEpoch: reader.optional(),
    divergingEndOffset: reader.optional(),
    leaderStartOffset: reader.optional(),
    leaderEndOffset: reader.optional(),
  };
}

function readAck(reader: ByteReader): Ack {
  const pushes = reader.number();
  const creditBytes = reader.number();
  const slots = readList(reader, 3, readSlotAck);
  return { pushes, creditBytes, slots };
}

/** What a leader receives. */
export function decodeFollowerMessage(message: Uint8Array): FollowerMessage {
  const { type, reader } = open(message);
  switch (type) {
    case messageType.hello:
      return {
        type: 'hello',
        hello: {
          brokerId: reader.number(),
          brokerEpoch: reader.number(),
          leaderId: reader.number(),
          windowBytes: reader.number(),
        },
      };
    case messageType.subscribe:
      return { type: 'subscribe', slots: readList(reader, 22, readSubscribe) };
    case messageType.unsubscribe:
      return { type: 'unsubscribe', slots: readList(reader, 1, (from) => from.number()) };
    case messageType.ack:
      return { type: 'ack', ack: readAck(reader) };
    default:
      throw new StreamError(`message type ${type} is not known`);
  }
}

/** What a follower receives. Records are views of `message`. */
export function decodeLeaderMessage(message: Uint8Array): LeaderMessage {
  const { type, reader } = open(message);
  if (type === messageType.push) {
    const entries: PushEntry[] = [];
    while (reader.remaining > 0)
      entries.push({
        slot: reader.number(),
        highWatermark: reader.number(),
        logStartOffset: reader.number(),
        records: reader.raw(),
      });
    return { type: 'push', entries };
  }
  if (type !== messageType.refuse) throw new StreamError(`message type ${type} is not known`);
  return { type: 'refuse', refusals: readList(reader, 6, readRefusal) };
}
