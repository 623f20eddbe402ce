/**
 * The rules for a history, after Jepsen's Kafka workload and Redpanda's chaos tests. Pure: computes the violations in a
 * history.
 *
 * - An offset has one value, for all clients that polled it and for the producer to which it was acknowledged with acks=all.
 * - Every record acknowledged with acks=all is there at the end, at the acknowledged offset.
 * - No record is read that was never sent, or whose send certainly failed.
 * - A record of an idempotent producer occurs once for each epoch of the producer, and its records are in order.
 * - An acknowledgement (acks=all) never names an offset at or below one that was acknowledged before its send began.
 * - A consumer never goes back and never skips a record, unless its position was changed.
 * - Committed offsets of a group never decrease, and every record below them was delivered to a member.
 */
import {
  type ChaosEvent,
  type CommitEvent,
  type History,
  type Key,
  kindOf,
  partsOf,
  type PollEvent,
  type PositionEvent,
} from './history.ts';

export interface Violation {
  readonly rule:
    | 'inconsistent-offsets'
    | 'lost'
    | 'moved'
    | 'phantom'
    | 'failed-but-read'
    | 'duplicate'
    | 'order'
    | 'real-time'
    | 'nonmonotonic-poll'
    | 'poll-skip'
    | 'commit-back'
    | 'group-skip'
    | 'inconclusive';
  readonly text: string;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Of one rule, so many are told. */
const perRuleMax = 20;

class Report {
  readonly violations: Violation[] = [];
  readonly #counts = new Map<Violation['rule'], number>();

  add(rule: Violation['rule'], text: string): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count <= perRuleMax) this.violations.push({ rule, text });
  }
}

/** The log of a partition as everybody saw it: values by offset. */
type Log = Map<number, string>;

export function check(history: History): Verdict {
  const report = new Report();
  const final = finalLogs(history);
  const sends = sendsOf(history);
  oneValueForAnOffset(history, report);
  reachedTheEnd(history, final, report);
  nothingLost(sends, final, report);
  nothingInvented(history, sends, report);
  onceAndInOrder(history, final, report);
  realTimeOrder(history, report);
  for (const [consumer, events] of byConsumer(history.events))
    steadyConsumer(consumer, events, final, report);
  for (const [group, events] of byGroup(history.events)) groupProgress(group, events, final, report);
  return { violations: report.violations, counts: countsOf(history) };
}

function finalLogs({ events }: History): Map<Key, Log> {
  const logs = new Map<Key, Log>();
  for (const event of events) {
    if (event.f !== 'poll' || event.final !== true) continue;
    for (const [key, records] of Object.entries(event.r)) {
      const log = logs.get(key) ?? new Map<number, string>();
      logs.set(key, log);
      for (const [offset, value] of records) log.set(offset, value);
    }
  }
  return logs;
}

interface Send {
  readonly key: Key;
  readonly producer: string;
  readonly isSafe: boolean;
  outcome: 'ok' | 'fail' | 'info';
  offset: number;
}

function sendsOf(history: History): Map<string, Send> {
  const sends = new Map<string, Send>();
  for (const event of history.events) {
    if (event.f !== 'send') continue;
    const known = sends.get(event.v);
    if (event.type === 'invoke') {
      const isSafe = kindOf(history, event.p).acks === 'all';
      sends.set(event.v, { key: event.k, producer: event.p, isSafe, outcome: 'info', offset: -1 });
    } else if (known !== undefined) {
      known.outcome = event.type;
      known.offset = event.off ?? -1;
    }
  }
  return sends;
}

function oneValueForAnOffset(history: History, report: Report): void {
  const seen = new Map<Key, Log>();
  const see = (key: Key, offset: number, value: string, who: string): void => {
    const log = seen.get(key) ?? new Map<number, string>();
    seen.set(key, log);
    const before = log.get(offset);
    if (before !== undefined && before !== value)
      report.add('inconsistent-offsets', `${key} offset ${offset}: ${before}, then ${value} (${who})`);
    else log.set(offset, value);
  };
  for (const event of history.events) {
    if (event.f === 'poll') {
      for (const [key, records] of Object.entries(event.r))
        for (const [offset, value] of records) see(key, offset, value, event.p);
    } else if (event.f === 'send' && event.type === 'ok' && (event.off ?? -1) >= 0) {
      if (kindOf(history, event.p).acks === 'all') see(event.k, event.off ?? -1, event.v, event.p);
    }
  }
}

function reachedTheEnd({ ends }: History, final: ReadonlyMap<Key, Log>, report: Report): void {
  for (const [key, end] of ends) {
    let read = 0;
    for (const offset of final.get(key)?.keys() ?? []) read = Math.max(read, offset + 1);
    if (read < end) report.add('inconclusive', `${key}: the final reading ended at ${read} of ${end}`);
  }
}

function nothingLost(sends: ReadonlyMap<string, Send>, final: ReadonlyMap<Key, Log>, report: Report): void {
  const where = new Map<string, number>();
  for (const log of final.values()) for (const [offset, value] of log) where.set(value, offset);
  for (const [value, { key, isSafe, outcome, offset }] of sends) {
    if (!isSafe || outcome !== 'ok') continue;
    const found = where.get(value);
    if (found === undefined) report.add('lost', `${key}: ${value}, acknowledged at ${offset}, is gone`);
    else if (offset >= 0 && final.get(key)?.get(offset) !== value)
      report.add('moved', `${key}: ${value}, acknowledged at ${offset}, is at ${found}`);
  }
}

function nothingInvented(history: History, sends: ReadonlyMap<string, Send>, report: Report): void {
  const told = new Set<string>();
  for (const event of history.events) {
    if (event.f !== 'poll') continue;
    for (const [key, records] of Object.entries(event.r)) {
      for (const [offset, value] of records) {
        if (told.has(value)) continue;
        told.add(value);
        const send = sends.get(value);
        if (send === undefined) report.add('phantom', `${key} offset ${offset}: ${value} was never sent`);
        else if (send.key !== key) report.add('phantom', `${value} was sent to ${send.key}, is in ${key}`);
        else if (send.outcome === 'fail')
          report.add('failed-but-read', `${key} offset ${offset}: the send of ${value} had failed`);
      }
    }
  }
}

function onceAndInOrder(history: History, final: ReadonlyMap<Key, Log>, report: Report): void {
  for (const [key, log] of final) {
    const last = new Map<string, number>();
    const at = new Map<string, number>();
    for (const offset of [...log.keys()].sort((a, b) => a - b)) {
      const value = log.get(offset) as string;
      const { producer, number } = partsOf(value);
      const kind = kindOf(history, producer);
      const before = at.get(value);
      at.set(value, offset);
      if (before !== undefined) {
        if (kind.isIdempotent && isSameWriter(history, key, before, offset))
          report.add('duplicate', `${key}: ${value} is at ${before} and ${offset}`);
        continue;
      }
      if (!kind.isIdempotent && !kind.isOrdered) continue;
      const highest = last.get(producer) ?? -1;
      if (number < highest)
        report.add('order', `${key}: ${value} at ${offset} comes after number ${highest}`);
      last.set(producer, Math.max(highest, number));
    }
  }
}

function isSameWriter({ writer }: History, key: Key, one: number, other: number): boolean {
  return writer === undefined || writer(key, one) === writer(key, other);
}

function realTimeOrder(history: History, report: Report): void {
  const acknowledged = new Map<Key, number>();
  const floor = new Map<string, number>();
  for (const event of history.events) {
    if (event.f !== 'send' || kindOf(history, event.p).acks !== 'all') continue;
    const highest = acknowledged.get(event.k) ?? -1;
    if (event.type === 'invoke') floor.set(event.v, highest);
    else if (event.type === 'ok' && (event.off ?? -1) >= 0) {
      const offset = event.off ?? -1;
      // A duplicate answer for an idempotent batch may name the offset of the first attempt, which began after the invocation
      // too.
      if (offset <= (floor.get(event.v) ?? -1))
        report.add(
          'real-time',
          `${event.k}: ${event.v} got ${offset}, ${floor.get(event.v)} was there before`,
        );
      acknowledged.set(event.k, Math.max(highest, offset));
    }
  }
}

function byConsumer(events: readonly ChaosEvent[]): Map<string, (PollEvent | PositionEvent)[]> {
  const consumers = new Map<string, (PollEvent | PositionEvent)[]>();
  for (const event of events) {
    if (event.f !== 'poll' && event.f !== 'position') continue;
    const list = consumers.get(event.p);
    if (list === undefined) consumers.set(event.p, [event]);
    else list.push(event);
  }
  return consumers;
}

/** Offsets of records, ascending; what lies between them was never a record. */
function offsetsOf(final: ReadonlyMap<Key, Log>, key: Key): number[] {
  return [...(final.get(key)?.keys() ?? [])].sort((a, b) => a - b);
}

/** The first of the ascending `offsets` that is at least `from`; -1: none. */
function firstFrom(offsets: readonly number[], from: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] as number) < from) low = middle + 1;
    else high = middle;
  }
  return offsets[low] ?? -1;
}

function steadyConsumer(
  consumer: string,
  events: readonly (PollEvent | PositionEvent)[],
  final: ReadonlyMap<Key, Log>,
  report: Report,
): void {
  const position = new Map<Key, number>();
  const sorted = new Map<Key, number[]>();
  for (const event of events) {
    if (event.f === 'position') {
      for (const [key, offset] of Object.entries(event.at)) position.set(key, offset);
      continue;
    }
    for (const [key, records] of Object.entries(event.r)) {
      const offsets = sorted.get(key) ?? offsetsOf(final, key);
      sorted.set(key, offsets);
      for (const [offset] of records) {
        const expected = position.get(key) ?? -1;
        if (expected >= 0 && offset < expected)
          report.add('nonmonotonic-poll', `${consumer}: ${key} went from ${expected} back to ${offset}`);
        else if (expected >= 0) {
          const skipped = firstFrom(offsets, expected);
          if (skipped >= 0 && skipped < offset)
            report.add(
              'poll-skip',
              `${consumer}: ${key} went from ${expected} to ${offset}, over ${skipped}`,
            );
        }
        position.set(key, offset + 1);
      }
    }
  }
}

type GroupEvent = CommitEvent | (PollEvent & { readonly g: string });

function byGroup(events: readonly ChaosEvent[]): Map<string, GroupEvent[]> {
  const groups = new Map<string, GroupEvent[]>();
  for (const event of events) {
    if ((event.f !== 'poll' && event.f !== 'commit') || event.g === undefined) continue;
    const list = groups.get(event.g) ?? [];
    groups.set(event.g, list);
    list.push(event as GroupEvent);
  }
  return groups;
}

function groupProgress(
  group: string,
  events: readonly GroupEvent[],
  final: ReadonlyMap<Key, Log>,
  report: Report,
): void {
  const committed = new Map<Key, number>();
  /** What was committed when the commit under way of a member began. */
  const floors = new Map<string, ReadonlyMap<Key, number>>();
  const delivered = new Map<Key, Set<number>>();
  for (const event of events) {
    if (event.f === 'poll') {
      for (const [key, records] of Object.entries(event.r)) {
        const set = delivered.get(key) ?? new Set<number>();
        delivered.set(key, set);
        for (const [offset] of records) set.add(offset);
      }
    } else if (event.type === 'invoke') floors.set(event.p, new Map(committed));
    else if (event.type === 'ok') {
      for (const [key, offset] of Object.entries(event.at)) {
        const floor = floors.get(event.p)?.get(key) ?? -1;
        if (offset < floor)
          report.add('commit-back', `${group}: ${event.p} committed ${key} ${offset} after ${floor}`);
        committed.set(key, Math.max(committed.get(key) ?? -1, offset));
      }
    }
  }
  for (const [key, end] of committed) {
    const set = delivered.get(key) ?? new Set<number>();
    const missing = offsetsOf(final, key).filter((offset) => offset < end && !set.has(offset));
    if (missing.length > 0)
      report.add(
        'group-skip',
        `${group}: ${key} is committed to ${end}, ${missing.length} records were never delivered, the first at ${missing[0]}`,
      );
  }
}

function countsOf({ events, ends }: History): Record<string, number> {
  const counts: Record<string, number> = {
    acknowledged: 0,
    unknown: 0,
    failed: 0,
    polled: 0,
    commits: 0,
    partitions: ends.size,
  };
  for (const event of events) {
    if (event.f === 'send' && event.type === 'ok') counts['acknowledged']! += 1;
    else if (event.f === 'send' && event.type === 'info') counts['unknown']! += 1;
    else if (event.f === 'send' && event.type === 'fail') counts['failed']! += 1;
    else if (event.f === 'commit' && event.type === 'ok') counts['commits']! += 1;
    else if (event.f === 'poll')
      for (const records of Object.values(event.r)) counts['polled']! += records.length;
  }
  return counts;
}
