/**
 * What clients know of transactions, record by record. All records of a transaction whose commit was acknowledged are visible to
 * read_committed consumers. When the commit was never requested, none is. When the commit had no response, either all or none are.
 * Each record appears once. Committed offsets follow their transaction.
 */
import type { Verdict } from './verdict.ts';

/** `committing`: the commit was requested and its outcome is unknown, perhaps for ever. */
type State = 'open' | 'committing' | 'committed' | 'aborted';

export interface Transaction {
  readonly id: string;
  readonly values: { readonly partition: string; readonly value: string }[];
  offset: number | null;
  state: State;
}

const atomic = 'I27 transactions are atomic';
const invisible = 'I28 aborted records are invisible';
const fenced = 'I29 zombies are fenced';
const moved = 'I30 offsets move with their transaction';

export class TxnLedger {
  readonly #verdict: Verdict;
  /** Transactional id → its transactions, in order. */
  readonly #transactions = new Map<string, Transaction[]>();
  readonly #of = new Map<string, Transaction>();
  /** Value → where a read_committed consumer saw it. */
  readonly #seen = new Map<string, string>();
  committedCount = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  begin(id: string): Transaction {
    const transaction: Transaction = { id, values: [], offset: null, state: 'open' };
    const others = this.#transactions.get(id);
    if (others === undefined) this.#transactions.set(id, [transaction]);
    else others.push(transaction);
    return transaction;
  }

  writes(transaction: Transaction, partition: string, value: string): void {
    transaction.values.push({ partition, value });
    this.#of.set(value, transaction);
  }

  /** Another producer has taken the id: transactions whose commit has not been requested by now never commit. */
  takenOver(id: string): void {
    for (const transaction of this.#transactions.get(id) ?? [])
      if (transaction.state === 'open') transaction.state = 'aborted';
  }

  committed(transaction: Transaction): void {
    if (transaction.state === 'aborted') {
      this.#verdict.report(fenced, `${transaction.id} committed after another producer took over`);
      return;
    }
    transaction.state = 'committed';
    this.committedCount++;
  }

  /** A read_committed consumer received `value`. */
  read(partition: string, offset: number, value: string, who: string): void {
    const transaction = this.#of.get(value);
    if (transaction === undefined)
      return this.#verdict.report(atomic, `${who} read '${value}', which nobody wrote`);
    if (transaction.state === 'open' || transaction.state === 'aborted') {
      const text = `${who} read '${value}' of a transaction that is ${transaction.state}`;
      this.#verdict.report(invisible, text);
    }
    const where = `${partition}@${offset}`;
    const before = this.#seen.get(value);
    if (before !== undefined && before !== where)
      this.#verdict.report(atomic, `'${value}' is at ${before} and at ${where}`);
    this.#seen.set(value, where);
  }

  /** All partitions were read to their end. */
  checkAll(): void {
    for (const transactions of this.#transactions.values()) {
      for (const { id, state, values } of transactions) {
        const missing = values.filter(({ value }) => !this.#seen.has(value));
        if (missing.length === 0 || (state !== 'committed' && missing.length === values.length)) continue;
        const lost = missing.map(({ partition, value }) => `'${value}' of ${partition}`).join(', ');
        this.#verdict.report(atomic, `${id}: of a transaction that is ${state}, ${lost} can't be read`);
      }
    }
  }

  ids(): string[] {
    return [...this.#transactions.keys()];
  }

  /** The group of `id` has committed `offset` (-1: none). Called after `checkAll`. */
  checkOffset(id: string, offset: number): void {
    let expected = -1;
    for (const transaction of this.#transactions.get(id) ?? []) {
      const isVisible = transaction.values.some(({ value }) => this.#seen.has(value));
      if (isVisible && transaction.offset !== null) expected = transaction.offset;
    }
    if (offset !== expected)
      this.#verdict.report(moved, `the group of ${id} is at ${offset}, its last transaction at ${expected}`);
  }
}
