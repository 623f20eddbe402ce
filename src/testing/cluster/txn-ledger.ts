/**
 * Records what clients know of transactions, and checks it (I27 to I30). If the commit of a transaction was acknowledged,
 * read_committed consumers must see all its records. If its commit was never requested, they must see none. If the commit got
 * no response, they must see all or none. Each record must appear once. Offsets that the transaction commits must be committed
 * exactly if its records are visible.
 */
import type { Verdict } from './verdict.ts';

/**
 * The state of a transaction, as its producer knows it. `committing`: the commit was requested and has no response, perhaps
 * never.
 */
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
  /** By transactional id: its transactions, in order. */
  readonly #transactions = new Map<string, Transaction[]>();
  readonly #of = new Map<string, Transaction>();
  /** By value: the partition and offset at which a read_committed consumer saw it. */
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

  /**
   * Called when a new producer has the transactional id: transactions whose commit was not requested before must never commit.
   */
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

  /** Called when a read_committed consumer has received `value`. */
  read(partition: string, offset: number, value: string, who: string): void {
    const transaction = this.#of.get(value);
    if (transaction === undefined)
      return this.#verdict.report(atomic, `${who} read '${value}', which no producer wrote`);
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

  /** Checks all transactions. Called when all partitions were read to their end. */
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

  /** Checks the committed offset of the group of `id` (-1: none). Called after `checkAll`. */
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
