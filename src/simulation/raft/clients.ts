/**
 * Simulated clients of the quorum, and the check of their responses (I20, I21). Each response has a log offset, and these order
 * all operations: a response must not have a lower offset than a response that another client got before this request began.
 * The outcome of an operation may stay unknown. A refused request must never take effect.
 */
import { below } from '../../base/random.ts';
import type { Refusal, VoterChange } from '../../raft/state.ts';
import type { SeededRandom } from '../random.ts';
import type { RaftPlan } from './plan.ts';
import type { Replica } from './replica.ts';
import { type InternedEntry, require, votersText } from './watch.ts';

/** The part of the world that clients use. */
export interface ClientWorld {
  readonly plan: RaftPlan;
  readonly random: SeededRandom;
  readonly replicas: readonly Replica[];
  readonly checker: { readonly committed: readonly InternedEntry[] };
  leaders(): Replica[];
  note(line: () => string): void;
}

const linearizable = 'I20 linearizability';

interface Operation {
  readonly kind: 'propose' | 'read' | 'change';
  readonly ticket: number;
  readonly replica: Replica;
  readonly life: number;
  /** The highest end offset among all responses before this operation began; its own response must reach it. */
  readonly floor: number;
  /**
   * For a confirmed read: the end offset up to which entries must be applied before the response. Negative: not confirmed yet.
   */
  endOffset: number;
  state: 'open' | 'done' | 'refused' | 'unknown';
}

export class Clients {
  readonly #world: ClientWorld;
  readonly #random: SeededRandom;
  /** By ticket (the number of the operation), which is also the payload of a proposal. */
  readonly #operations: Operation[] = [];
  readonly #open = new Set<Operation>();
  readonly #committedAt: number[] = [];
  /** The highest end offset among all responses. */
  #floor = 0;
  answered = 0;
  reads = 0;
  changes = 0;

  constructor(world: ClientWorld) {
    this.#world = world;
    this.#random = world.random.fork('clients');
  }

  get openCount(): number {
    return this.#open.size;
  }

  describeOpen(): string {
    return [...this.#open]
      .slice(0, 5)
      .map(({ kind, ticket, replica, endOffset }) => `${kind} ${ticket} at n${replica.id} end=${endOffset}`)
      .join(', ');
  }

  /** Sends a proposal to a replica that believes it is the leader, sometimes to another replica. */
  propose(): void {
    const replica = this.#anyLeader();
    const core = replica?.core ?? null;
    if (replica === undefined || core === null) return;
    const operation = this.#begin('propose', replica);
    const { ticket } = operation;
    const payload = new Uint8Array(4 + below(this.#random, this.#world.plan.payloadBytesMax));
    payload[0] = ticket >>> 24;
    payload[1] = (ticket >>> 16) & 255;
    payload[2] = (ticket >>> 8) & 255;
    payload[3] = ticket & 255;
    replica.input({ type: 'propose', ticket, epoch: core.state.epoch, payload });
  }

  read(): void {
    const replica = this.#anyLeader();
    if (replica === undefined) return;
    const { ticket } = this.#begin('read', replica);
    replica.input({ type: 'readBarrier', ticket });
  }

  change(replica: Replica, change: VoterChange): void {
    const { ticket } = this.#begin('change', replica);
    replica.input({ type: 'changeVoters', ticket, change });
  }

  #anyLeader(): Replica | undefined {
    const { replicas } = this.#world;
    if (this.#random.chance(0.03)) {
      const replica = replicas[below(this.#random, replicas.length)] as Replica;
      return replica.core === null ? undefined : replica;
    }
    const leaders = this.#world.leaders();
    return leaders[below(this.#random, leaders.length)];
  }

  #begin(kind: Operation['kind'], replica: Replica): Operation {
    const operation: Operation = {
      kind,
      ticket: this.#operations.length + 1,
      replica,
      life: replica.life,
      floor: this.#floor,
      endOffset: -1,
      state: 'open',
    };
    this.#operations.push(operation);
    this.#open.add(operation);
    return operation;
  }

  #end(ticket: number, state: Operation['state']): Operation | null {
    const operation = this.#operations[ticket - 1] as Operation;
    if (operation.state !== 'open') return null;
    operation.state = state;
    this.#open.delete(operation);
    return operation;
  }

  refused(replica: Replica, ticket: number, reason: Refusal): void {
    const operation = this.#end(ticket, 'refused');
    require(operation !== null, linearizable, () => `request ${ticket} is refused after its answer`);
    if (operation?.kind === 'change') this.#world.note(() => `n${replica.id} refuses the change: ${reason}`);
    require(this.#committedAt[ticket] === undefined, linearizable, () =>
      `refused proposal ${ticket} is committed at ${this.#committedAt[ticket]}`);
  }

  /** The leadership was lost, or the process ended, before the outcome was known. */
  unknown(ticket: number): void {
    this.#end(ticket, 'unknown');
  }

  died(replica: Replica): void {
    for (const operation of this.#open) {
      if (operation.replica === replica) this.#end(operation.ticket, 'unknown');
    }
  }

  /** A proposal or a change of voters got its response: it is committed at `offset`. */
  committed(ticket: number, offset: number): void {
    const operation = this.#end(ticket, 'done');
    require(operation !== null, linearizable, () =>
      `request ${ticket} is answered with ${offset} after its end`);
    if (operation === null) return;
    this.answered += 1;
    if (operation.kind === 'change') {
      this.changes += 1;
      const voters = this.#world.checker.committed[offset]?.voters;
      require(voters !== null && voters !== undefined, linearizable, () =>
        `the change answered with ${offset} isn't there`);
      this.#world.note(() => `voters are ${votersText(voters ?? [])}`);
    } else {
      require(this.#committedAt[ticket] === offset, linearizable, () =>
        `proposal ${ticket} is answered with ${offset}, committed at ${this.#committedAt[ticket]}`);
    }
    require(offset >= operation.floor, linearizable, () =>
      `request ${ticket} began after ${operation.floor} was answered, its place is ${offset}`);
    this.#floor = Math.max(this.#floor, offset + 1);
  }

  readReady(replica: Replica, ticket: number, endOffset: number): void {
    const operation = this.#operations[ticket - 1] as Operation;
    if (operation.state !== 'open') return;
    operation.endOffset = endOffset;
    if (replica.appliedEnd >= endOffset) this.#readNow(replica, operation);
  }

  /** The replica has applied more entries: answers the reads that waited for them. */
  applied(replica: Replica): void {
    if (this.#open.size === 0) return;
    for (const operation of this.#open) {
      const ready = operation.kind === 'read' && operation.replica === replica && operation.endOffset >= 0;
      if (ready && operation.life === replica.life && replica.appliedEnd >= operation.endOffset)
        this.#readNow(replica, operation);
    }
  }

  #readNow(replica: Replica, operation: Operation): void {
    this.#end(operation.ticket, 'done');
    this.reads += 1;
    require(replica.appliedEnd >= operation.floor, linearizable, () =>
      `n${replica.id} reads the state of ${replica.appliedEnd}, ${operation.floor} was answered before`);
    this.#floor = Math.max(this.#floor, replica.appliedEnd);
  }

  /** I21: every committed entry was proposed, was not refused, and is committed only once. */
  sawCommitted({ offset, entry }: InternedEntry): void {
    if (entry.kind !== 'data') return;
    const [a = 0, b = 0, c = 0, d = 0] = entry.payload;
    const ticket = (a << 24) | (b << 16) | (c << 8) | d;
    const operation = this.#operations[ticket - 1];
    require(operation !== undefined && operation.state !== 'refused', linearizable, () =>
      `committed at ${offset}: ${ticket}, which no client proposed or which was refused`);
    require(this.#committedAt[ticket] === undefined, 'I21 exactly once', () =>
      `proposal ${ticket} is committed at ${this.#committedAt[ticket]} and ${offset}`);
    this.#committedAt[ticket] = offset;
  }
}
