/**
 * Liveness checks after the faults. (1) A random majority is healed, and the other replicas stay stopped or disconnected: the
 * majority must work without them (L1 one leader, L2 proposals commit, L3 all logs equal, L5 snapshots arrive, L6 epochs stop
 * growing, L7 all requests are answered). (2) All replicas heal. (3) A leader hands over its leadership (L11). (4) The power of
 * all replicas is cut and comes back (I5, I7: nothing acknowledged is lost).
 */
import { below } from '../../base/random.ts';
import { majority } from '../../raft/quorum.ts';
import { type Voter, voterOf } from '../../raft/types.ts';
import { SeededRandom } from '../random.ts';
import { learnersFew } from './plan.ts';
import type { RaftWorld } from './raft-world.ts';
import type { Replica } from './replica.ts';
import { claimTo } from './stranger.ts';
import { type InternedEntry, type Mirror, require, Violation } from './watch.ts';

/** 'unrecoverable': too many voters lost their disks while the voter set was being changed, so liveness is not checked. */
export type Settled = 'settled' | 'unrecoverable';

export function settle(world: RaftWorld): Settled {
  const random = world.random.fork('settle');
  world.calm = true;
  world.network.mendAll();
  for (const replica of world.replicas) replica.wake();
  const core = quorumCore(world, random);
  if (core === null) return 'unrecoverable';
  world.note(() => `heal the quorum ${core.map(({ id }) => `n${id}`).join(' ')}`);
  for (const replica of world.replicas) {
    if (core.includes(replica)) heal(world, replica);
    else freeze(world, replica, random);
  }
  converge(world, core, 'quorum');
  rejoin(world);
  stable(world);
  if (random.chance(0.5)) handOver(world);
  powerCut(world);
  return 'settled';
}

/**
 * A random set of replicas that has a majority of every voter set which may be in force, can elect a leader, and needs each of
 * its members for that. Null: too many disks were wiped.
 */
function quorumCore(world: RaftWorld, random: SeededRandom): Replica[] | null {
  const sets = world.setsInPlay();
  const enough = (chosen: readonly Replica[]): boolean =>
    sets.every((voters) => {
      const there = voters.filter((voter) => world.isLive(voter) && chosen.some(({ id }) => id === voter.id));
      return there.length >= majority(voters.length);
    });
  const serves = (chosen: readonly Replica[]): boolean => enough(chosen) && electable(world, chosen);
  const chosen = [...world.replicas];
  if (!serves(chosen)) return null;
  for (let left = chosen.length; left > 0; left--) {
    const [gone] = chosen.splice(below(random, chosen.length), 1);
    if (!serves(chosen)) chosen.push(gone as Replica);
  }
  return chosen.sort((a, b) => a.index - b.index);
}

/**
 * Whether one of the chosen replicas can be elected by the others. A learner, or a voter of another voter set, may have a
 * longer log than every chosen replica that may campaign. Then no election can succeed without the other replicas.
 */
function electable(world: RaftWorld, chosen: readonly Replica[]): boolean {
  const logOf = ({ core, watch }: Replica): Mirror => (core === null ? watch.durable : watch.memory);
  const lastOf = (replica: Replica): InternedEntry | null => logOf(replica).last(logOf(replica).end);
  const isBehind = (a: InternedEntry | null, b: InternedEntry | null): boolean =>
    (a?.epoch ?? 0) < (b?.epoch ?? 0) ||
    ((a?.epoch ?? 0) === (b?.epoch ?? 0) && (a?.offset ?? -1) <= (b?.offset ?? -1));
  return chosen.some((candidate) => {
    const log = logOf(candidate);
    let voters: readonly Voter[] = candidate.watch.initial;
    let since = -1;
    for (let offset = 0; offset < log.end; offset++) {
      const told = log.items[offset]?.voters ?? null;
      if (told === null) continue;
      voters = told;
      since = offset;
    }
    // A replica outside of the voter set may campaign only if its removal is not committed yet (Ongaro's thesis, section
    // 4.2.2).
    if (voterOf(voters, candidate.key) === null && since < world.checker.committedEnd) return false;
    const votes = voters.filter((voter) => {
      const other = chosen.find(({ id }) => id === voter.id);
      return other !== undefined && world.isLive(voter) && isBehind(lastOf(other), lastOf(candidate));
    });
    return votes.length >= majority(voters.length);
  });
}

function heal(world: RaftWorld, replica: Replica): void {
  replica.failsNextWrite = false;
  // A replica that has handed over its leadership does not campaign again. A real process would end then, so end and restart
  // it.
  if (replica.retiring) replica.die(true);
  world.restart(replica);
}

/** Leaves the replica as it is: stopped, or running without links. */
function freeze(world: RaftWorld, replica: Replica, random: SeededRandom): void {
  replica.frozen = true;
  if (random.chance(0.5)) replica.die(random.chance(0.5));
  for (const other of world.replicas) {
    if (other === replica) continue;
    world.network.cut(replica.index, other.index);
    world.network.cut(other.index, replica.index);
  }
}

function limitMs(world: RaftWorld): number {
  // In the worst case (the smallest window) each entry is sent to a follower alone, so allow 60 ms for each.
  const longest = Math.max(
    ...world.replicas.map(({ watch }) => Math.max(watch.memory.end, watch.durable.end)),
  );
  const catchUpMs = 60 * longest;
  return 30 * (world.fetchTimeoutMs + world.electionTimeoutMs) + 4000 + catchUpMs;
}

/** Waits until the members have one leader, a new proposal is answered, and all have applied everything that is committed. */
function converge(world: RaftWorld, members: readonly Replica[], phase: string): void {
  const { checker, clients } = world;
  const answered = clients.answered;
  const epochBefore = checker.epochMax;
  world.quiet = false;
  const served = (): boolean => {
    const leaders = members.filter((replica) => replica.core?.state.role.name === 'leader');
    return leaders.length === 1 && clients.answered >= answered + 3;
  };
  const untilMs = world.nowMs + limitMs(world);
  if (!world.run(untilMs, served)) fail(world, members, phase, 'L2 proposals commit');
  world.quiet = true;
  // All requests are answered, and no message remains to be sent.
  const equal = (): boolean => {
    const end = checker.committedEnd;
    if (clients.openCount > 0) return false;
    return awaited(world, members).every(
      ({ core, appliedEnd }) => core !== null && appliedEnd === end && core.state.highWatermark === end,
    );
  };
  if (!world.run(world.nowMs + limitMs(world), equal)) {
    fail(world, members, phase, clients.openCount > 0 ? 'L7 requests end' : 'L3 all converge');
  }
  const grown = checker.epochMax - epochBefore;
  require(grown <= 40, 'L6 epochs stop growing', () => `${phase}: ${grown} epochs to elect a leader`);
}

/** Heals the other replicas. A leader that a majority follows must stay leader when they return (I13). */
function rejoin(world: RaftWorld): void {
  const { checker } = world;
  const before = checker.epochMax;
  const newest = world.leaders().some((leader) => leader.core?.state.epoch === before && stays(leader));
  world.note(() => 'heal all');
  world.network.mendAll();
  for (const replica of world.replicas) {
    replica.frozen = false;
    heal(world, replica);
  }
  converge(world, world.replicas, 'all');
  require(!newest || checker.epochMax === before, 'I13 stickiness', () =>
    `replicas that returned raised the epoch from ${before} to ${checker.epochMax}\n${describe(world.replicas)}`);
}

/** Whether nothing but a fault can end this leadership: the leader is a voter and does not hand over. */
function stays({ core }: Replica): boolean {
  const state = core?.state;
  return state?.role.name === 'leader' && state.amVoter && state.role.transfer === null;
}

/**
 * The replicas that must have the whole log in the end: all, or only the voters when the limit on learners is `learnersFew`.
 */
function awaited(world: RaftWorld, members: readonly Replica[]): readonly Replica[] {
  if (world.plan.tuning.learnersMax !== learnersFew) return members;
  const [leader] = world.leaders();
  return members.filter(({ key }) => leader !== undefined && voterOf(leader.voters, key) !== null);
}

/**
 * Checks L1 and I13: without faults the leader and the epoch stay the same, whatever processes outside of the cluster claim
 * (`stranger.ts`). When a replica has a later epoch than the leader, the function only waits for a leader and checks nothing:
 * that replica campaigned with an old voter set, or believed such a process, and ends the leadership once when it joins.
 */
function stable(world: RaftWorld): void {
  const { checker } = world;
  const before = checker.epochMax;
  if (!world.leaders().some(({ core }) => core?.state.epoch === before)) {
    const isLed = (): boolean => world.leaders().length > 0;
    if (!world.run(world.nowMs + limitMs(world), isLed)) fail(world, world.replicas, 'all', 'L1 one leader');
    return;
  }
  world.run(world.nowMs + 5 * world.fetchTimeoutMs, () => false);
  const random = new SeededRandom(world.plan.seed).fork('strangers');
  for (const replica of awaited(world, world.replicas)) {
    const claims = claimTo(replica, random, 10, false);
    world.note(() => claims ?? 'nothing');
  }
  world.run(world.nowMs + 2 * world.fetchTimeoutMs, () => false);
  require(checker.epochMax === before, 'I13 stickiness', () =>
    `a healthy cluster went from epoch ${before} to ${checker.epochMax}\n${describe(world.replicas)}`);
  require(world.leaders().length === 1, 'L1 one leader', () =>
    `a healthy cluster lost its leader\n${describe(world.replicas)}`);
}

/** Checks L11: when a leader hands over and another replica can lead, that one is elected within a short time. */
function handOver(world: RaftWorld): void {
  const leader = world.leaders()[0] as Replica;
  const voters = leader.voters.filter((voter) => world.isLive(voter) && voter.id !== leader.id);
  if (voters.length + 1 < majority(leader.voters.length) || voters.length === 0) return;
  world.note(() => `n${leader.id} retires in good health`);
  leader.retiring = true;
  leader.input({ type: 'retire' });
  const next = (): boolean => world.leaders().some((replica) => replica !== leader);
  const withinMs = world.fetchTimeoutMs / 2 + 150;
  require(world.run(world.nowMs + withinMs, next), 'L11 hand-over', () =>
    `nobody took over from n${leader.id} within ${withinMs} ms\n${describe(world.replicas)}`);
  heal(world, leader);
  converge(world, world.replicas, 'after the hand-over');
}

/**
 * Cuts the power of all replicas and restarts them. Every acknowledged entry must be there afterwards, which I5 and I7 check.
 */
function powerCut(world: RaftWorld): void {
  world.note(() => 'power cut of all');
  for (const replica of world.replicas) replica.die(false);
  for (const replica of world.replicas) world.restart(replica);
  converge(world, world.replicas, 'after the power cut');
}

function fail(world: RaftWorld, members: readonly Replica[], phase: string, invariant: string): never {
  const { checker, clients } = world;
  throw new Violation(
    invariant,
    `${phase}: not reached within ${limitMs(world)} ms; committed ${checker.committedEnd}, ${clients.openCount} requests open: ${clients.describeOpen()}\n${describe(members)}`,
  );
}

function describe(members: readonly Replica[]): string {
  return members
    .map(({ id, core, appliedEnd, voters }) => {
      const state = core?.state;
      if (state === undefined) return `  n${id} is down`;
      const { role, epoch, log, highWatermark } = state;
      const set = voters.map((voter) => `n${voter.id}`).join(' ');
      return `  n${id} ${role.name} epoch=${epoch} log=${log.startOffset}..${log.endOffset} hw=${highWatermark} applied=${appliedEnd} voters={${set}}`;
    })
    .join('\n');
}
