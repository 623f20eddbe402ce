/**
 * The history of a run: what clients saw, one event in each line of JSON. All processes of a run are on one machine and use its
 * monotonic clock, so that the order of events of different clients is known: an event that ended before another began came
 * first.
 */

/** `topic-partition` */
export type Key = string;

export interface SendEvent {
  readonly f: 'send';
  /**
   * `invoke` before the client is asked; then once `ok` (acknowledged), `fail` (certainly not written) or `info` (nobody
   * knows).
   */
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  /** Nanoseconds of the machine's monotonic clock. */
  readonly t: number;
  /** The producer: one incarnation of a client. */
  readonly p: string;
  /** `producer:number`, unique in a run; numbers of a producer go up. */
  readonly v: string;
  readonly k: Key;
  /** With `ok`: where it is; -1: the client did not say. */
  readonly off?: number;
  readonly err?: string;
}

export interface PollEvent {
  readonly f: 'poll';
  readonly type: 'ok';
  readonly t: number;
  readonly p: string;
  /** Set by members of a group. */
  readonly g?: string;
  /** The reading of everything after the faults: it has to reach the end. */
  readonly final?: boolean;
  /** Offsets with values, in the order in which they came. */
  readonly r: Readonly<Record<Key, readonly (readonly [number, string])[]>>;
}

/** A consumer begins anew at the given positions, or gives partitions up (-1). */
export interface PositionEvent {
  readonly f: 'position';
  readonly type: 'ok';
  readonly t: number;
  readonly p: string;
  readonly g?: string;
  readonly at: Readonly<Record<Key, number>>;
}

export interface CommitEvent {
  readonly f: 'commit';
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly t: number;
  readonly p: string;
  readonly g: string;
  readonly at: Readonly<Record<Key, number>>;
  readonly err?: string;
}

/** A note of the nemesis, or of a client that gave up. */
export interface NoteEvent {
  readonly f: 'nemesis' | 'note';
  readonly type: 'info';
  readonly t: number;
  readonly p: string;
  readonly text: string;
}

export type ChaosEvent = SendEvent | PollEvent | PositionEvent | CommitEvent | NoteEvent;

/** What a producer promises; by the part of its name before the first `.`. */
export interface ProducerKind {
  readonly acks: 'all' | '1';
  readonly isIdempotent: boolean;
  /** At most one request at a time: first occurrences come in order. */
  readonly isOrdered: boolean;
}

export interface History {
  readonly events: readonly ChaosEvent[];
  readonly producers: ReadonlyMap<string, ProducerKind>;
  /** Log end (read_committed or not: there are no transactions) of each partition when the final reading began. */
  readonly ends: ReadonlyMap<Key, number>;
  /**
   * Producer id and epoch of the batch at an offset, from the log itself. librdkafka takes a new epoch when a record's time is
   * over, and sends those that were under way once more with it: such a duplicate is the client's, and Kafka has it too.
   */
  readonly writer?: (key: Key, offset: number) => string | null;
}

export function kindOf(history: History, producer: string): ProducerKind {
  const name = producer.split('.')[0] ?? producer;
  return history.producers.get(name) ?? { acks: 'all', isIdempotent: false, isOrdered: false };
}

/** `name.2:17` is number 17 of the producer `name.2`. */
export function partsOf(value: string): { producer: string; number: number } {
  const at = value.lastIndexOf(':');
  return { producer: value.slice(0, at), number: Number(value.slice(at + 1)) };
}
