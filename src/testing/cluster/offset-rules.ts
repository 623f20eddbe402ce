/**
 * The rules for the offsets that ListOffsets returns (I37). The end offset of a partition never decreases, even when the leader
 * changes (KIP-207), and contains every record that was acknowledged before. The offset for a timestamp is that of the first
 * record with this timestamp or a later one.
 */
import type { Ledger } from './ledger.ts';
import type { Verdict } from './verdict.ts';

const invariant = 'I37 offsets of ListOffsets';
const firstTimestampMs = 1_600_000_000_000;
const stepMs = 10;
/** Timestamps are out of order by less than this. */
const disorderMs = 97;
const mixer = 7_919;

/** The timestamp of the record `count` of a producer. They grow, but not from each record to the next. */
export function timestampOf(count: number): number {
  return firstTimestampMs + count * stepMs + ((count * mixer) % disorderMs);
}

/** The timestamp of a record whose value ends with its count. */
export function timestampOfValue(value: string): number {
  return timestampOf(Number(value.slice(value.lastIndexOf(':') + 1)));
}

export interface EndOffset {
  readonly leaderEpoch: number;
  readonly offset: number;
}

/**
 * End offsets of one partition. A leader that was deposed and does not know it yet may return an old one, as in Kafka. So an
 * end offset is compared with those of the same, of earlier and of later leader epochs.
 */
export class EndOffsets {
  readonly #name: string;
  readonly #verdict: Verdict;
  /** By leader epoch, the smallest and the largest end offset that its leader has returned. */
  readonly #byEpoch = new Map<number, { least: number; most: number }>();

  constructor(name: string, verdict: Verdict) {
    this.#name = name;
    this.#verdict = verdict;
  }

  /**
   * `before`: when the request was sent, the newest leader epoch in the metadata of any node, and the offset after the last
   * acknowledged record.
   */
  returned({ leaderEpoch, offset }: EndOffset, before: EndOffset): void {
    const report = (what: string): void =>
      this.#verdict.report(
        invariant,
        `${this.#name}: the leader of epoch ${leaderEpoch} returned ${offset}, ${what}`,
      );
    if (leaderEpoch >= before.leaderEpoch && offset < before.offset)
      report(`although ${before.offset} records were acknowledged`);
    for (const [epoch, { least, most }] of this.#byEpoch) {
      if (epoch <= leaderEpoch && offset < most) report(`after ${most} in epoch ${epoch}`);
      if (epoch > leaderEpoch && offset > least) report(`although ${least} was the end in epoch ${epoch}`);
    }
    const known = this.#byEpoch.get(leaderEpoch) ?? { least: offset, most: offset };
    this.#byEpoch.set(leaderEpoch, {
      least: Math.min(known.least, offset),
      most: Math.max(known.most, offset),
    });
  }
}

/** The result of a search for a timestamp; the offset is -1 when there is no such record. */
export interface FoundTimestamp {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * Checks the result of a search for `wanted`. `isFinal`: no record is written any more and the leader has all, so it must find
 * a record if there is one.
 */
export function checkSearch(
  { ledger, verdict }: { readonly ledger: Ledger; readonly verdict: Verdict },
  partition: string,
  wanted: number,
  found: FoundTimestamp,
  isFinal: boolean,
): void {
  const report = (what: string): void =>
    verdict.report(
      invariant,
      `${partition}: a search for ${wanted} found ${found.timestamp} at ${found.offset}; ${what}`,
    );
  if (found.offset >= 0 && found.timestamp < wanted) report('it is too early');
  const value = ledger.valueOf(partition, found.offset);
  if (value !== undefined && timestampOfValue(value) !== found.timestamp)
    report(`the record there has ${timestampOfValue(value)}`);
  for (const [offset, other] of ledger.recordsOf(partition)) {
    const isMissed = found.offset < 0 ? isFinal : offset < found.offset;
    if (isMissed && timestampOfValue(other) >= wanted)
      return report(`${timestampOfValue(other)} is at ${offset}`);
  }
}
