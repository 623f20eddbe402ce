/**
 * Random transactional producers. They begin transactions, add partitions, commit, abort, retry, crash, and return as zombies.
 * Writes are late, fail or time out. Markers are reported late, in parts and twice. Coordinators fail over. After every step
 * the invariants are checked, against a model that knows only the responses that clients got and the markers that were written.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Errors } from '../../src/protocol/errors.ts';
import { difference } from '../../src/txn/partitions.ts';
import type { TransactionVersion } from '../../src/txn/transaction.ts';
import { seededRandom } from '../group/harness.ts';
import { durable, namesOf, parts, Producer, replayed, World } from './harness.ts';

const ids = ['t', 'u'];
const partitionCount = 4;

/** A client, and the response that it waits for. */
interface Client {
  readonly producer: Producer;
  /** Partitions that belong to its open transaction according to the responses. */
  added: Set<string>;
  asked: {
    readonly token: number;
    readonly what: 'add' | 'commit' | 'abort';
    readonly names: string[];
  } | null;
  isAlive: boolean;
}

/** The last marker of each producer id in one partition. */
interface Marker {
  readonly epoch: number;
  readonly commit: boolean;
  readonly round: string;
}

class Run {
  readonly world: World;
  readonly random;
  readonly clients: Client[] = [];
  readonly inits = new Map<number, string>();
  /** Every (transactional id, producer id, epoch) that a producer got, with the way in which it got it. */
  readonly given = new Map<string, number>();
  readonly markers = new Map<string, Map<number, Marker>>();
  /** (producer id, epoch of the client) → the outcome that a response has confirmed. */
  readonly decided = new Map<string, boolean>();
  epochs = new Map<string, readonly [number, number]>();

  constructor(seed: number, version: TransactionVersion) {
    this.random = seededRandom(seed);
    this.world = new World(version, { abortIntervalMs: 1_000 });
    this.world.autoWrite = false;
    this.world.autoMark = false;
    this.world.autoProducerId = this.pick(2) === 0;
  }

  pick(bound: number): number {
    return this.random.u32() % bound;
  }

  step(): void {
    const roll = this.pick(100);
    const client = this.clients[this.pick(Math.max(1, this.clients.length))];
    if (roll < 6) this.init();
    else if (roll < 35) this.settleWrite();
    else if (roll < 50) this.mark();
    else if (roll < 55) this.world.advance(this.pick(300));
    else if (roll < 56) this.world.advance(this.pick(20_000));
    else if (roll < 58) this.failOver();
    else if (roll < 60) this.useUpEpochs();
    else if (roll < 64 && this.world.producerIdsWanted > 0) this.world.giveProducerId();
    else if (client !== undefined) this.act(client);
    this.poll();
    this.check();
  }

  init(): void {
    const transactionalId = ids[this.pick(ids.length)] as string;
    this.inits.set(this.world.init({ transactionalId, transactionTimeoutMs: 5_000 }), transactionalId);
  }

  act(client: Client): void {
    if (client.asked !== null) return;
    const roll = this.pick(10);
    if (roll < 5) {
      const names = [`p-${this.pick(partitionCount)}`];
      client.asked = { token: client.producer.askToAdd(...names), what: 'add', names };
    } else {
      const isCommit = roll < 8 && client.added.size > 0;
      if (!isCommit && client.added.size === 0 && this.pick(3) > 0) return;
      const token = client.producer.askToEnd(isCommit);
      client.asked = { token, what: isCommit ? 'commit' : 'abort', names: [...client.added] };
    }
  }

  settleWrite(): void {
    const write = this.world.writes[0];
    if (write === undefined) return;
    if (this.pick(10) === 0) return this.world.failed(Errors.COORDINATOR_NOT_AVAILABLE);
    if (this.pick(10) === 0)
      this.world.step({ type: 'timedOut', writeId: write.id, error: Errors.COORDINATOR_NOT_AVAILABLE });
    this.world.written();
  }

  /** Writes the markers of one partition of a round, and may report them. A report may be late, or come twice. */
  mark(): void {
    const { rounds } = this.world;
    const one = rounds[this.pick(Math.max(1, rounds.length))];
    if (one === undefined) return;
    const names = namesOf(one.partitions);
    const name = names[this.pick(names.length)] as string;
    const log = this.markers.get(name) ?? new Map<number, Marker>();
    this.markers.set(name, log);
    const round = `${one.coordinatorEpoch}/${one.round}`;
    const before = log.get(one.producerId);
    // A partition refuses a marker with an older epoch. Here the coordinator must not even send one.
    expect(before === undefined || before.epoch <= one.producerEpoch).toBe(true);
    if (before?.epoch === one.producerEpoch && before.round !== round && this.world.version >= 2)
      expect(before.commit).toBe(one.commit);
    log.set(one.producerId, { epoch: one.producerEpoch, commit: one.commit, round });
    if (this.pick(5) === 0) return;
    const missing = difference(one.partitions, parts(name));
    rounds.splice(rounds.indexOf(one), 1, ...(missing.size > 0 ? [{ ...one, partitions: missing }] : []));
    this.world.step({ type: 'marked', ...one, partitions: parts(name) });
    if (this.pick(5) === 0) this.world.step({ type: 'marked', ...one, partitions: parts(name) });
  }

  /** Another broker becomes the coordinator. Writes that were appended but not acknowledged may be in its log or not. */
  failOver(): void {
    for (const write of this.world.writes.splice(0, this.pick(this.world.writes.length + 1)))
      this.world.log.push(...write.records);
    this.world.writes.length = 0;
    this.world.step({ type: 'resign', error: Errors.NOT_COORDINATOR });
    this.poll();
    this.epochs.clear();
    this.world.failOver();
  }

  /** Increments the epoch as far as years of use would. */
  useUpEpochs(): void {
    const id = ids[this.pick(ids.length)] as string;
    const entry = this.world.shard.entries.get(id);
    if (entry === undefined || entry.isPending || entry.current?.state !== 'Empty') return;
    if (entry.current.producerEpoch > 30_000) return;
    for (const client of this.clients) if (client.producer.id === id) client.isAlive = false;
    entry.current = { ...entry.current, producerEpoch: 32_763 };
    this.clients.splice(0, this.clients.length, ...this.clients.filter(({ isAlive }) => isAlive));
  }

  poll(): void {
    for (const [token, transactionalId] of this.inits) {
      const answer = this.world.response(token);
      if (answer === undefined) continue;
      this.inits.delete(token);
      if (answer.errorCode !== 0) continue;
      this.give(transactionalId, answer.producerId, answer.producerEpoch);
      const producer = new Producer(this.world, transactionalId, answer);
      this.clients.push({ producer, added: new Set(), asked: null, isAlive: true });
    }
    for (const client of this.clients) this.pollClient(client);
  }

  give(id: string, producerId: number, epoch: number): void {
    const key = `${id}/${producerId}/${epoch}`;
    // No two producers ever get the same epoch.
    expect(this.given.has(key), key).toBe(false);
    this.given.set(key, this.given.size);
  }

  pollClient(client: Client): void {
    const { asked, producer } = client;
    const answer = asked === null ? undefined : this.world.response(asked.token);
    if (asked === null || answer === undefined) return;
    client.asked = null;
    if (asked.what === 'add') {
      if (answer.errorCode === 0) for (const name of asked.names) client.added.add(name);
      return;
    }
    if (answer.errorCode !== 0) return;
    const commit = asked.what === 'commit';
    const key = `${producer.producerId}/${producer.epoch}`;
    // With version 2 each transaction has its own epoch, so every retry must get the same outcome.
    if (this.world.version >= 2) {
      if (this.decided.has(key)) expect(this.decided.get(key), key).toBe(commit);
      this.decided.set(key, commit);
      producer.producerId = answer.producerId;
      producer.epoch = answer.producerEpoch;
    }
    client.added = new Set();
  }

  check(): void {
    const { shard, log, config, version } = this.world;
    // What `useUpEpochs` did is not in the log.
    const ofLog = replayed(log, config, this.world.now);
    for (const entry of shard.entries.values()) {
      if (entry.current === null || entry.current.producerEpoch > 30_000) continue;
      const other = ofLog.entries.get(entry.transactionalId);
      // Version 0 of the record does not store the previous and the next producer id.
      const lost = version === 0 ? { previousProducerId: -1, nextProducerId: -1 } : {};
      expect(other?.current).toEqual({ ...entry.current, lastProducerEpoch: -1, ...lost });
    }
    expect(shard.waiting.size).toBe(
      [...shard.entries.values()].reduce((sum, one) => sum + one.waiting.size, 0),
    );
    for (const entry of shard.entries.values()) this.#checkEpoch(entry.transactionalId, entry.current);
    expect([...shard.ongoing].every(({ current }) => current?.state === 'Ongoing')).toBe(true);
  }

  /** For one coordinator: a producer id that was replaced never returns, and its epoch never decreases. */
  #checkEpoch(id: string, current: { producerId: number; producerEpoch: number } | null): void {
    if (current === null) return;
    const [producerId, epoch] = this.epochs.get(id) ?? [-1, -1];
    expect(current.producerId).toBeGreaterThanOrEqual(producerId);
    if (current.producerId === producerId) expect(current.producerEpoch).toBeGreaterThanOrEqual(epoch);
    this.epochs.set(id, [current.producerId, current.producerEpoch]);
  }

  /** Ends all faults. Then every transaction must end, and every pending request must get a response. */
  heal(): void {
    this.world.autoProducerId = true;
    for (let i = 0; i < 40; i++) {
      while (this.world.producerIdsWanted > 0) this.world.giveProducerId();
      while (this.world.writes.length > 0) this.world.written();
      for (const one of this.world.rounds.splice(0)) this.world.step({ type: 'marked', ...one });
      this.world.advance(1_000);
    }
    expect(durable(this.world.shard)).toEqual(
      durable(this.world.shard).map((one) => ({
        ...one,
        state: expect.stringMatching(/Empty|Complete/) as string,
      })),
    );
    expect(this.world.shard.waiting.size + this.world.shard.pending.size).toBe(0);
    this.poll();
    expect(this.inits.size).toBe(0);
    expect(this.clients.filter(({ asked }) => asked !== null)).toEqual([]);
  }
}

test('random producers and coordinators keep the invariants of transactions', { timeout: 180_000 }, () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.constantFrom<TransactionVersion>(0, 1, 2),
      (seed, version) => {
        const run = new Run(seed, version);
        for (let i = 0; i < 400; i++) run.step();
        run.heal();
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  );
});
