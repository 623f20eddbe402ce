/** A shard with a virtual clock and its log in memory, and short functions for requests. */
import { defined } from '../../src/base/assert.ts';
import type { CoordinatorRecord, RuntimeInput, StepContext, Write } from '../../src/coordinator/types.ts';
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts';
import { type ErrorRow, Errors, errorOf } from '../../src/protocol/errors.ts';
import { type Partitions, partitionsOf } from '../../src/txn/partitions.ts';
import { finishLoading, replay } from '../../src/txn/replay.ts';
import { createShard, nextDeadlineMs, step } from '../../src/txn/shard.ts';
import type { Transaction, TransactionVersion } from '../../src/txn/transaction.ts';
import { createTurn, type Shard } from '../../src/txn/txn-turn.ts';
import type {
  InitProducerIdRequest,
  MarkerRound,
  Output,
  ProducerAnswer,
  TxnConfig,
  TxnInput,
} from '../../src/txn/types.ts';

export const config: TxnConfig = {
  maxTimeoutMs: 900_000,
  idExpirationMs: 7 * 86_400_000,
  abortIntervalMs: 10_000,
  expiryIntervalMs: 3_600_000,
  twoPhaseCommitEnable: false,
};

function imageOf(version: TransactionVersion): MetadataImage {
  const image = emptyImage();
  return { ...image, features: { ...image.features, levels: new Map([['transaction.version', version]]) } };
}

export const wallStartMs = 1_700_000_000_000;

/** The set of the partitions with the names `topic-partition`. */
export function parts(...names: string[]): Partitions {
  return partitionsOf(
    names.map((name) => {
      const at = name.lastIndexOf('-');
      return { topic: name.slice(0, at), partitions: [Number(name.slice(at + 1))] };
    }),
  );
}

export function namesOf(partitions: Partitions): string[] {
  return [...partitions].flatMap(([topic, set]) => [...set].map((one) => `${topic}-${one}`)).sort();
}

export const errorName = (response: { errorCode: number }): string => errorOf(response.errorCode).name;

export class World {
  shard: Shard;
  version: TransactionVersion;
  nowMs = 0;
  leaderEpoch = 1;
  readonly log: CoordinatorRecord[] = [];
  readonly responses = new Map<number, ProducerAnswer>();
  /** Writes in flight, if `autoWrite` is off. */
  readonly writes: Write[] = [];
  /** Rounds of markers that were output but not carried out, if `autoMark` is off. */
  readonly rounds: MarkerRound[] = [];
  readonly notes: Output['notes'][number][] = [];
  autoWrite = true;
  autoMark = true;
  autoProducerId = true;
  producerIdsWanted = 0;
  readonly config: TxnConfig;
  #token = 0;
  #producerId = 100;

  constructor(version: TransactionVersion = 2, overrides: Partial<TxnConfig> = {}) {
    this.config = { ...config, ...overrides };
    this.version = version;
    this.shard = createShard(this.config, this.now);
  }

  get now(): StepContext {
    const { nowMs, leaderEpoch } = this;
    return { nowMs, wallMs: wallStartMs + nowMs, leaderEpoch, image: imageOf(this.version) };
  }

  current(id = 't'): Transaction {
    return defined(this.shard.entries.get(id)?.current, `transaction ${id}`);
  }

  step(input: TxnInput | RuntimeInput): void {
    this.take(step(this.shard, input, this.now));
  }

  take(output: Output): void {
    this.notes.push(...output.notes);
    for (const { token, response } of output.replies) {
      if (!this.responses.has(token))
        this.responses.set(token, {
          producerId: -1,
          producerEpoch: -1,
          ...(response as { errorCode: number }),
        });
    }
    for (const write of output.writes) {
      if (this.autoWrite) this.written(write);
      else this.writes.push(write);
    }
    for (const round of output.markers) {
      this.rounds.push(round);
      if (this.autoMark) this.mark();
    }
    this.producerIdsWanted += output.producerIdsWanted;
    while (this.autoProducerId && this.producerIdsWanted > 0) this.giveProducerId();
  }

  giveProducerId(): void {
    this.producerIdsWanted--;
    this.step({ type: 'producerId', producerId: this.#producerId++ });
  }

  written(write = defined(this.writes.shift(), 'a write')): void {
    this.log.push(...write.records);
    this.step({ type: 'written', writeId: write.id });
  }

  failed(error: ErrorRow): void {
    this.step({ type: 'failed', writeId: defined(this.writes.shift(), 'a write').id, error });
  }

  /** Reports that all partitions of the oldest round have their marker. */
  mark(): void {
    const { transactionalId, round, partitions } = defined(this.rounds.shift(), 'a round');
    this.step({ type: 'marked', transactionalId, round, partitions });
  }

  /** Advances the clock. Each deadline is handled when it is due. */
  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = nextDeadlineMs(this.shard);
      if (next > until) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.step({ type: 'tick' });
    }
    this.nowMs = until;
  }

  /** Another broker becomes the coordinator: it has only the log. */
  failOver(): void {
    this.leaderEpoch++;
    this.rounds.length = 0;
    this.writes.length = 0;
    this.producerIdsWanted = 0;
    this.shard = replayed(this.log, this.config, this.now);
    const turn = createTurn(this.shard, this.now);
    finishLoading(turn);
    this.take(turn);
  }

  send(input: (token: number) => TxnInput): number {
    const token = ++this.#token;
    this.step(input(token));
    return token;
  }

  response(token: number): ProducerAnswer | undefined {
    return this.responses.get(token);
  }

  init(request: Partial<InitProducerIdRequest> = {}): number {
    return this.send((token) => ({
      type: 'initProducerId',
      token,
      request: {
        transactionalId: 't',
        transactionTimeoutMs: 60_000,
        producerId: -1,
        producerEpoch: -1,
        enable2Pc: false,
        ...request,
      },
    }));
  }

  /** A producer that has got its producer id. */
  producer(request: Partial<InitProducerIdRequest> = {}): Producer {
    const answer = defined(this.response(this.init(request)), 'an answer');
    if (answer.errorCode !== 0) throw new Error(errorName(answer));
    return new Producer(this, request.transactionalId ?? 't', answer);
  }
}

/** A client. It uses the producer id and epoch of the last response. */
export class Producer {
  readonly world: World;
  readonly id: string;
  producerId: number;
  epoch: number;

  constructor(world: World, id: string, { producerId, producerEpoch }: ProducerAnswer) {
    this.world = world;
    this.id = id;
    this.producerId = producerId;
    this.epoch = producerEpoch;
  }

  get #who() {
    return { transactionalId: this.id, producerId: this.producerId, producerEpoch: this.epoch };
  }

  /** The transaction version of the client: 2, or 0. */
  get version(): TransactionVersion {
    return this.world.version >= 2 ? 2 : 0;
  }

  askToAdd(...names: string[]): number {
    const request = { ...this.#who, partitions: parts(...names), clientVersion: this.version };
    return this.world.send((token) => ({ type: 'addPartitions', token, request }));
  }

  askToEnd(committed: boolean): number {
    const request = { ...this.#who, committed, clientVersion: this.version };
    return this.world.send((token) => ({ type: 'endTxn', token, request }));
  }

  add(...names: string[]): string {
    return this.#answer(this.askToAdd(...names));
  }

  commit(): string {
    return this.#end(true);
  }

  abort(): string {
    return this.#end(false);
  }

  #end(committed: boolean): string {
    const token = this.askToEnd(committed);
    const answer = this.world.response(token);
    if (answer?.errorCode === 0 && answer.producerId >= 0) {
      this.producerId = answer.producerId;
      this.epoch = answer.producerEpoch;
    }
    return this.#answer(token);
  }

  #answer(token: number): string {
    const answer = this.world.response(token);
    return answer === undefined ? 'waits' : errorName(answer);
  }
}

export function replayed(log: readonly CoordinatorRecord[], of: TxnConfig, now: StepContext): Shard {
  const shard = createShard(of, now);
  for (const record of log) replay(shard, record);
  return shard;
}

/** The part of the state that is in records, in a form that can be compared. */
export function durable(shard: Shard): Record<string, unknown>[] {
  return [...shard.entries.values()]
    .filter(({ current }) => current !== null)
    .map(({ transactionalId, current }) => {
      const { lastProducerEpoch: _, partitions, ...rest } = defined(current);
      return { transactionalId, ...rest, partitions: namesOf(partitions) };
    })
    .sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1));
}

export { Errors };
