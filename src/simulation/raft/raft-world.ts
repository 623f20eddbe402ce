/**
 * A simulated quorum of real consensus cores: the event loop on a virtual clock, and the interfaces that replicas, clients and
 * faults use. The seed determines everything that happens.
 */
import { below } from '../../base/random.ts';
import type { JoinRequest, RaftMessage } from '../../raft/messages.ts';
import type { ReplicaKey, Voter } from '../../raft/types.ts';
import { isVoter } from '../../raft/types.ts';
import { uuidZero } from '../../base/uuid.ts';
import { SeededRandom } from '../random.ts';
import type { FaultRecord, SimulationOptions } from '../run.ts';
import { directoryOf } from './applied-state.ts';
import { Checker } from './checker.ts';
import { Clients } from './clients.ts';
import { SilentLeaderCheck } from './silent-leader-check.ts';
import { EventQueue } from '../event-queue.ts';
import { type EventKind, SimEvent } from './event.ts';
import { faults } from './faults.ts';
import { Network } from './network.ts';
import { type FaultFamily, faultFamilies, planOf, type RaftPlan } from './plan.ts';
import { Replica } from './replica.ts';
import { require, Watch } from './watch.ts';

const healedSyncMsMax = 3;
const healedProposeEveryMs = 20;
/** More events than this within `stormMs` mean that replicas send each other messages without end. */
const stormEventsMax = 20_000;
const stormMs = 10;
const nothing: ReadonlySet<never> = new Set<never>();

export class RaftWorld {
  readonly plan: RaftPlan;
  readonly random: SeededRandom;
  readonly replicas: readonly Replica[];
  readonly initialVoters: readonly Voter[];
  readonly network: Network;
  readonly checker: Checker;
  readonly clients: Clients;
  readonly deposed = new SilentLeaderCheck();
  readonly faultsDone: FaultRecord[] = [];
  readonly fetchTimeoutMs: number;
  readonly electionTimeoutMs: number;
  nowMs = 0;
  eventCount = 0;
  traceHash = 0;
  /** True after the faults have ended: from then on network and disks are good. */
  calm = false;
  /** True when the clients have stopped: from then on they send no requests. */
  quiet = false;
  readonly #events = new EventQueue<SimEvent>();
  readonly #onTrace: ((line: string) => void) | null;
  readonly #skip: ReadonlySet<number>;
  readonly #stalledUntilMs: number[] = [];
  readonly #faultStreams = new Map<FaultFamily, { stream: SeededRandom; count: number }>();
  readonly #chance: SeededRandom;
  readonly #atElections: ((leader: Replica) => void)[] = [];
  readonly #slice = { endMs: 0, count: 0 };
  #order = 0;

  constructor(options: SimulationOptions) {
    this.plan = planOf(options.seed, options.without ?? nothing);
    this.random = new SeededRandom(options.seed).fork('world');
    this.#chance = this.random.fork('pace');
    this.#onTrace = options.onTrace ?? null;
    this.#skip = options.skip ?? nothing;
    this.fetchTimeoutMs = this.plan.tuning.fetchTimeoutMs as number;
    this.electionTimeoutMs = this.plan.tuning.electionTimeoutMs as number;
    this.checker = new Checker(this);
    this.clients = new Clients(this);
    this.network = new Network(this);
    const { voterCount, spareCount, staticVoters } = this.plan;
    const voters = Array.from(
      { length: voterCount },
      (_, index): Voter => ({
        id: (index + 1) as Voter['id'],
        directoryId: staticVoters ? uuidZero : directoryOf(index, 0),
        endpoints: [{ name: 'CONTROLLER', host: `n${index + 1}`, port: 9093 }],
      }),
    );
    this.initialVoters = voters;
    this.replicas = Array.from({ length: voterCount + spareCount }, (_, index) => {
      const told = index < voterCount || staticVoters ? voters : [];
      return new Replica(this, index, told, new Watch(told));
    });
  }

  begin(): void {
    for (const replica of this.replicas) replica.start();
    this.schedule(1, 'propose', null, null);
    this.schedule(2, 'read', null, null);
    for (const family of faultFamilies) {
      if (!this.plan.faultEveryMs.has(family)) continue;
      this.#faultStreams.set(family, { stream: this.random.fork(`faults ${family}`), count: 0 });
      this.#scheduleFault(family);
    }
  }

  note(line: () => string): void {
    this.#onTrace?.(`${this.nowMs.toFixed(2).padStart(10)} ${line()}`);
  }

  schedule(delayMs: number, kind: EventKind, replica: Replica | null, value: unknown): void {
    const life = replica === null ? 0 : replica.life;
    this.#events.push(new SimEvent(this.nowMs + delayMs, this.#order++, kind, replica, life, value, null));
  }

  scheduleMessage(atMs: number, replica: Replica, message: RaftMessage, from: ReplicaKey): void {
    this.#events.push(new SimEvent(atMs, this.#order++, 'message', replica, -1, message, from));
  }

  after(delayMs: number, run: () => void): void {
    this.schedule(delayMs, 'call', null, run);
  }

  /** Runs until `stop` returns true or the virtual time reaches `untilMs`. Returns true in the first case. */
  run(untilMs: number, stop: () => boolean): boolean {
    for (;;) {
      const event = this.#events.peek();
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return stop();
      }
      this.#events.pop();
      if (event.atMs > this.#slice.endMs) {
        this.#slice.endMs = event.atMs + stormMs;
        this.#slice.count = 0;
      }
      this.#slice.count += 1;
      require(this.#slice.count <= stormEventsMax, 'I16 bounds', () =>
        `a storm: ${stormEventsMax} events in ${stormMs} ms`);
      this.nowMs = event.atMs;
      if (this.#handle(event)) {
        this.eventCount += 1;
        const who = event.replica === null ? 0 : event.replica.id;
        this.traceHash =
          Math.imul(this.traceHash ^ (event.order * 31 + who), 0x01000193) ^ (event.atMs * 1000);
        if ((this.eventCount & 7) === 0 && stop()) return true;
      }
    }
  }

  /** Returns false when the event had no effect: it was for an ended incarnation, or its timer had been set again. */
  #handle(event: SimEvent): boolean {
    const { replica, kind } = event;
    if (kind === 'message')
      return this.#message(replica as Replica, event.value as RaftMessage, event.from as ReplicaKey);
    if (replica !== null && replica.life !== event.life) return false;
    switch (kind) {
      case 'timer':
        return (replica as Replica).timer(event.value as number);
      case 'turn':
        (replica as Replica).turn();
        return false;
      case 'synced':
        (replica as Replica).synced(event.value as Parameters<Replica['synced']>[0]);
        return true;
      case 'apply':
        (replica as Replica).applySome();
        return true;
      case 'propose':
        this.schedule(this.#pace(this.plan.proposeEveryMs), 'propose', null, null);
        if (!this.quiet) this.clients.propose();
        return !this.quiet;
      case 'read':
        this.schedule(this.#pace(this.plan.readEveryMs), 'read', null, null);
        if (!this.quiet) this.clients.read();
        return !this.quiet;
      case 'fault':
        return this.#fault(event.value as FaultFamily);
      default:
        (event.value as () => void)();
        return true;
    }
  }

  #message(replica: Replica, message: RaftMessage, from: ReplicaKey): boolean {
    if (replica.core === null) return false;
    if (this.#onTrace !== null) this.note(() => `n${from.id} > n${replica.id} ${told(message)}`);
    replica.input({ type: 'message', from, message });
    return true;
  }

  #pace(everyMs: number): number {
    const mean = this.calm ? healedProposeEveryMs : everyMs;
    return 0.5 + this.#chance.fraction() * 2 * mean;
  }

  #scheduleFault(family: FaultFamily): void {
    const { stream, count } = this.#faultStreams.get(family) as { stream: SeededRandom; count: number };
    const everyMs = this.plan.faultEveryMs.get(family) as number;
    this.schedule(stream.fork(`gap ${count}`).between(0.2, 1.8) * everyMs, 'fault', null, family);
  }

  #fault(family: FaultFamily): boolean {
    const state = this.#faultStreams.get(family) as { stream: SeededRandom; count: number };
    if (this.calm) return false;
    const { count, stream } = state;
    state.count += 1;
    const number = count * faultFamilies.length + faultFamilies.indexOf(family);
    this.#scheduleFault(family);
    if (this.#skip.has(number)) return false;
    const text = faults[family](this, stream.fork(`fault ${count}`));
    if (text === null) return false;
    this.faultsDone.push({ number, family, text });
    this.note(() => `fault ${number} ${family}: ${text}`);
    return true;
  }

  /** Calls `run` with the next leader, right after its election. */
  atElections(run: (leader: Replica) => void): void {
    this.#atElections.push(run);
  }

  elected(leader: Replica): void {
    const run = this.#atElections.shift();
    if (run === undefined) return;
    const { life } = leader;
    this.after(0, () => {
      if (leader.life === life && !this.calm) run(leader);
    });
  }

  syncMs(replica: Replica, random: SeededRandom): number {
    const most = this.calm ? Math.min(this.plan.syncMsMax, healedSyncMsMax) : this.plan.syncMsMax;
    const syncMs = 0.05 + random.fraction() * most;
    return this.calm ? syncMs : Math.max(syncMs, (this.#stalledUntilMs[replica.index] ?? 0) - this.nowMs);
  }

  stall(replica: Replica, forMs: number): void {
    this.#stalledUntilMs[replica.index] = this.nowMs + forMs;
  }

  restart(replica: Replica): void {
    if (replica.core !== null || replica.frozen) return;
    replica.start();
    for (const other of this.replicas) {
      if (other !== replica && this.#chance.chance(0.5)) other.input({ type: 'linkUp', peer: replica.id });
    }
  }

  /** Shuts down as the driver does: transfers the leadership, waits at most one election time-out, then calls `done`. */
  retire(replica: Replica, done: () => void): void {
    replica.retiring = true;
    replica.input({ type: 'retire' });
    this.after(below(this.#chance, this.electionTimeoutMs), done);
  }

  /** Sends to the bootstrap servers, which are all controllers. */
  announce(replica: Replica, message: JoinRequest): void {
    for (const server of this.replicas) {
      if (server !== replica) this.network.send(replica, server.id, message);
    }
  }

  leaders(): Replica[] {
    return this.replicas.filter((replica) => replica.core?.state.role.name === 'leader');
  }

  voterFor(replica: Replica, port: number): Voter {
    return { ...replica.key, endpoints: [{ name: 'CONTROLLER', host: `n${replica.id}`, port }] };
  }

  /** Whether the disk of this voter still exists: it was not wiped. */
  isLive(voter: Voter): boolean {
    const replica = this.replicas[voter.id - 1];
    return replica !== undefined && isVoter(voter, replica.key);
  }

  /** The committed voter set and all later sets in any log. */
  setsInPlay(): (readonly Voter[])[] {
    const { committed, committedEnd } = this.checker;
    let last: readonly Voter[] | null = null;
    for (let offset = committedEnd - 1; offset >= 0 && last === null; offset--)
      last = committed[offset]?.voters ?? null;
    const sets = [last ?? this.initialVoters];
    for (const replica of this.replicas) {
      for (const log of [replica.watch.memory, replica.watch.durable]) {
        for (let offset = committedEnd; offset < log.end; offset++) {
          const voters = log.items[offset]?.voters ?? null;
          if (voters !== null) sets.push(voters);
        }
      }
    }
    return sets.filter((voters) => voters.length > 0);
  }
}

function told(message: RaftMessage): string {
  const { type, epoch } = message;
  switch (type) {
    case 'append': {
      const { baseOffset, previousEpoch, entries, highWatermark } = message;
      return `append e${epoch} ${baseOffset}+${entries.length} after ${previousEpoch} hw=${highWatermark}`;
    }
    case 'appended': {
      const { accepted, baseOffset, endOffset } = message;
      return `appended e${epoch} ${accepted ? 'yes' : 'no'} ${baseOffset} > ${endOffset}`;
    }
    case 'vote':
      return `${message.preVote ? 'pre-vote' : 'vote'} e${epoch} end=${message.logEndOffset}@${message.lastEpoch}`;
    case 'voted':
      return `${message.preVote ? 'pre-voted' : 'voted'} e${epoch} ${message.granted ? 'yes' : 'no'}`;
    case 'heartbeat':
      return `heartbeat e${epoch} hw=${message.highWatermark} round=${message.round}`;
    case 'snapshot':
      return `snapshot e${epoch} end=${message.endOffset}@${message.snapshotEpoch}`;
    default:
      return `${type} e${epoch}`;
  }
}
