/**
 * Records what clients know of every partition: which values were acknowledged or read, at which offset. It checks that each
 * offset has one value, and that each value has one offset (producers are idempotent). `final-reading.ts` compares it with the
 * logs at the end.
 */
import type { Verdict } from './verdict.ts';

interface PartitionLedger {
  readonly valueAt: Map<number, string>;
  readonly offsetOf: Map<string, number>;
  /** Offsets that producers got in responses. */
  readonly acknowledged: Set<number>;
  endOffset: number;
}

export class Ledger {
  private readonly verdict: Verdict;
  private readonly partitions = new Map<string, PartitionLedger>();
  acknowledgedCount = 0;

  constructor(verdict: Verdict) {
    this.verdict = verdict;
  }

  /** Called when a producer got a response with `offset` for `value`. */
  acknowledged(partition: string, offset: number, value: string): void {
    this.acknowledgedCount++;
    this.note(partition, offset, value, 'acknowledged');
    this.of(partition).acknowledged.add(offset);
  }

  read(partition: string, offset: number, value: string, who: string): void {
    this.note(partition, offset, value, `read by ${who}`);
  }

  /** The offset after the last one that a client has seen in a response. */
  endOffset(partition: string): number {
    return this.partitions.get(partition)?.endOffset ?? 0;
  }

  names(): string[] {
    return [...this.partitions.keys()].sort();
  }

  /** The acknowledged offsets, in order. */
  acknowledgedOf(partition: string): number[] {
    return [...(this.partitions.get(partition)?.acknowledged ?? [])].sort((a, b) => a - b);
  }

  valueOf(partition: string, offset: number): string | undefined {
    return this.partitions.get(partition)?.valueAt.get(offset);
  }

  /** All known records of a partition, each with its offset. */
  recordsOf(partition: string): Iterable<readonly [offset: number, value: string]> {
    return this.partitions.get(partition)?.valueAt ?? [];
  }

  private note(partition: string, offset: number, value: string, how: string): void {
    const ledger = this.of(partition);
    const known = ledger.valueAt.get(offset);
    if (known !== undefined && known !== value) {
      this.verdict.report(
        'I22 produce durability',
        `${partition}@${offset} was '${known}' and is '${value}', ${how}`,
      );
    }
    const other = ledger.offsetOf.get(value);
    if (other !== undefined && other !== offset)
      this.verdict.report(
        'I42 exactly once',
        `'${value}' of ${partition} is at ${other} and at ${offset}, ${how}`,
      );
    ledger.valueAt.set(offset, value);
    ledger.offsetOf.set(value, offset);
    ledger.endOffset = Math.max(ledger.endOffset, offset + 1);
  }

  private of(partition: string): PartitionLedger {
    let ledger = this.partitions.get(partition);
    if (ledger === undefined) {
      ledger = { valueAt: new Map(), offsetOf: new Map(), acknowledged: new Set(), endOffset: 0 };
      this.partitions.set(partition, ledger);
    }
    return ledger;
  }
}
