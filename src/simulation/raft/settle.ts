/**
 * Liveness checks after the faults. First a random quorum is healed and the others stay away; the quorum must be enough (L1 one
 * leader, L2 proposals commit, L3 all equal, L5 snapshots arrive, L6 epochs stop growing, L7 all requests are answered). Then all
 * replicas heal. Then a leader hands over its leadership (L9). Then the power is cut for all replicas and comes back (I20
 * durability).
 */
import { below } from '../../base/random.ts';
import { majority } from '../../raft/quorum.ts';
import { type Voter, voterOf } from '../../raft/types.ts';
import type { SeededRandom } from '../random.ts';
import { learnersFew } from './plan.ts';
import type { RaftWorld } from './raft-world.ts';
import type { Replica } from './replica.ts';
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

/** A minimal set of replicas with a majority of every voter set that may be in force; null when there is none. */
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
 * Whether one of the chosen replicas can be elected by the others. A learner, or a voter of another set, may have a longer log than
 * every replica that may campaign; then no election can succeed without the replicas that are away.
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
    // A voter whose removal is not committed yet may still be needed to commit it (thesis 4.2.2).
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
  // A replica that has handed over does not campaign again: in reality its process would end and restart.
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
  // With the smallest windows, each entry is sent to a follower on its own.
  const longest = Math.max(
    ...world.replicas.map(({ watch }) => Math.max(watch.memory.end, watch.durable.end)),
  );
  const catchUpMs = 60 * longest;
  return 30 * (world.fetchTimeoutMs + world.electionTimeoutMs) + 4000 + catchUpMs;
}

/** They have one leader, a new proposal is answered, and all have applied everything that is committed. */
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

/** The other replicas return to a leader that a majority hears, so they must not depose it (I13). */
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
    `who came back raised the epoch from ${before} to ${checker.epochMax}\n${describe(world.replicas)}`);
}

/** The leader did not remove itself and is not transferring its leadership; otherwise another replica may become leader. */
function stays({ core }: Replica): boolean {
  const state = core?.state;
  return state?.role.name === 'leader' && state.amVoter && state.role.transfer === null;
}

/** The replicas that must have the whole log in the end: all, unless the leader replicates to only some of the non-voters. */
function awaited(world: RaftWorld, members: readonly Replica[]): readonly Replica[] {
  if (world.plan.tuning.learnersMax !== learnersFew) return members;
  const [leader] = world.leaders();
  return members.filter(({ key }) => leader !== undefined && voterOf(leader.voters, key) !== null);
}

/** L1, I13: in a healthy cluster the leader stays the same, and an idle cluster stays idle. */
function stable(world: RaftWorld): void {
  const { checker } = world;
  const before = checker.epochMax;
  world.run(world.nowMs + 5 * world.fetchTimeoutMs, () => false);
  require(checker.epochMax === before, 'I13 stickiness', () =>
    `a healthy cluster went from epoch ${before} to ${checker.epochMax}\n${describe(world.replicas)}`);
  require(world.leaders().length === 1, 'L1 one leader', () =>
    `a healthy cluster lost its leader\n${describe(world.replicas)}`);
}

/** L9: when a leader hands over and another replica can lead, that one is elected at once. */
function handOver(world: RaftWorld): void {
  const leader = world.leaders()[0] as Replica;
  const voters = leader.voters.filter((voter) => world.isLive(voter) && voter.id !== leader.id);
  if (voters.length + 1 < majority(leader.voters.length) || voters.length === 0) return;
  world.note(() => `n${leader.id} retires in good health`);
  leader.retiring = true;
  leader.input({ type: 'retire' });
  const next = (): boolean => world.leaders().some((replica) => replica !== leader);
  const withinMs = world.fetchTimeoutMs / 2 + 150;
  require(world.run(world.nowMs + withinMs, next), 'L9 hand-over', () =>
    `nobody took over from n${leader.id} within ${withinMs} ms\n${describe(world.replicas)}`);
  heal(world, leader);
  converge(world, world.replicas, 'after the hand-over');
}

/** The power is cut for all replicas. Every acknowledged entry must be there afterwards (checked by I5 and I7). */
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
