/**
 * The faults, by family (kind of fault). Each fault draws all its random numbers, also its duration, from a stream of its own,
 * so that leaving out one does not change the others. Disks are wiped only as long as every voter set that may be in force
 * keeps a majority of intact disks.
 */
import { below } from '../../base/random.ts';
import { majority } from '../../raft/quorum.ts';
import type { VoterChange } from '../../raft/state.ts';
import type { Voter } from '../../raft/types.ts';
import { uuidZero } from '../../base/uuid.ts';
import type { SeededRandom } from '../random.ts';
import type { Clients } from './clients.ts';
import type { Network } from './network.ts';
import type { FaultFamily } from './plan.ts';
import type { Replica } from './replica.ts';
import { claimTo } from './stranger.ts';
import { votersText } from './watch.ts';

/** The part of the world that faults use. */
export interface FaultWorld {
  readonly replicas: readonly Replica[];
  readonly network: Network;
  readonly clients: Clients;
  readonly fetchTimeoutMs: number;
  readonly calm: boolean;
  leaders(): Replica[];
  after(delayMs: number, run: () => void): void;
  atElections(run: (leader: Replica) => void): void;
  stall(replica: Replica, forMs: number): void;
  restart(replica: Replica): void;
  retire(replica: Replica, done: () => void): void;
  voterFor(replica: Replica, port: number): Voter;
  isLive(voter: Voter): boolean;
  setsInPlay(): (readonly Voter[])[];
  note(line: () => string): void;
}

/** Carries out a fault and returns its description; null when it found nothing to act on. */
type Fault = (world: FaultWorld, random: SeededRandom) => string | null;

export const faults: Record<FaultFamily, Fault> = {
  cut,
  kill: (world, random) => kill(world, target(world, random), random, random.chance(0.9)),
  power: (world, random) => kill(world, target(world, random), random, random.chance(0.5)),
  blackout: (world, random) => {
    for (const replica of world.replicas) kill(world, replica, random, random.chance(0.5));
    return 'power cut of all';
  },
  stall: (world, random) => {
    const replica = target(world, random);
    const forMs = Math.floor(random.between(0.2, 4) * world.fetchTimeoutMs);
    world.stall(replica, forMs);
    return `the disk of n${replica.id} stalls for ${forMs} ms`;
  },
  eio: (world, random) => {
    const replica = target(world, random);
    const downMs = downTimeMs(world, random);
    if (replica.core === null) return null;
    replica.failsNextWrite = true;
    world.after(downMs, () => world.restart(replica));
    return `the next write of n${replica.id} fails`;
  },
  wipe,
  pause: (world, random) => {
    const replica = target(world, random);
    const forMs = Math.floor(random.between(0.05, 3) * world.fetchTimeoutMs);
    if (replica.core === null) return null;
    replica.pause(forMs);
    return `n${replica.id} pauses for ${forMs} ms`;
  },
  hint: (world, random) => {
    const peer = target(world, random);
    const up = random.chance(0.3);
    for (const other of world.replicas) {
      if (other !== peer && random.chance(0.7))
        other.input({ type: up ? 'linkUp' : 'linkDown', peer: peer.id });
    }
    return `a forged hint: the link to n${peer.id} is ${up ? 'up' : 'down'}`;
  },
  retire: (world, random) => {
    const replica = target(world, random);
    const { life } = replica;
    const downMs = downTimeMs(world, random);
    if (replica.core === null) return null;
    world.retire(replica, () => {
      if (replica.life === life) replica.die(true);
      world.after(downMs, () => world.restart(replica));
    });
    return `n${replica.id} retires`;
  },
  snapshot: (world, random) => {
    const replica = target(world, random);
    replica.saveSnapshot();
    return `n${replica.id} saves a snapshot`;
  },
  member,
  stranger: (world, random) =>
    claimTo(target(world, random), random, 1 + below(random, 4), random.chance(0.3)),
};

/** Chooses the replica for a fault. Leaders are preferred, because faults of a leader have the most effect. */
function target(world: FaultWorld, random: SeededRandom): Replica {
  const atLeader = random.chance(0.45);
  const any = world.replicas[below(random, world.replicas.length)] as Replica;
  const leaders = world.leaders();
  return (atLeader ? leaders[leaders.length - 1] : undefined) ?? any;
}

function downTimeMs(world: FaultWorld, random: SeededRandom): number {
  const long = random.chance(0.25);
  return Math.floor(random.between(0, long ? 10 : 1) * world.fetchTimeoutMs);
}

function kill(world: FaultWorld, replica: Replica, random: SeededRandom, landed: boolean): string | null {
  const downMs = downTimeMs(world, random);
  const told = random.chance(0.7);
  const tellMs = below(random, 20);
  if (replica.core === null) return null;
  replica.die(landed);
  if (told) world.after(tellMs, () => tellDown(world, replica));
  world.after(downMs, () => world.restart(replica));
  return `n${replica.id} is down for ${downMs} ms${landed ? ', its last write is on disk' : ''}`;
}

function tellDown(world: FaultWorld, peer: Replica): void {
  for (const other of world.replicas) if (other !== peer) other.input({ type: 'linkDown', peer: peer.id });
}

const cutShapes = ['isolate', 'in', 'out', 'pair', 'oneWay', 'halves', 'bridge'] as const;

function cut(world: FaultWorld, random: SeededRandom): string {
  const { replicas } = world;
  const shape = cutShapes[below(random, cutShapes.length)] as (typeof cutShapes)[number];
  const one = target(world, random);
  const two = replicas[below(random, replicas.length)] as Replica;
  const side = replicas.map(() => random.chance(0.5));
  const forMs = Math.floor(random.between(0.3, 6) * world.fetchTimeoutMs);
  const told = random.chance(0.4);
  const blocks = (from: Replica, to: Replica): boolean => {
    switch (shape) {
      case 'isolate':
        return from === one || to === one;
      case 'in':
        return to === one;
      case 'out':
        return from === one;
      case 'pair':
        return (from === one && to === two) || (from === two && to === one);
      case 'oneWay':
        return from === one && to === two;
      case 'halves':
        return side[from.index] !== side[to.index];
      case 'bridge':
        return side[from.index] !== side[to.index] && from !== one && to !== one;
    }
  };
  const mends: (() => void)[] = [];
  for (const from of replicas) {
    for (const to of replicas) {
      if (from === to || !blocks(from, to)) continue;
      mends.push(world.network.cut(from.index, to.index));
      if (told) to.input({ type: 'linkDown', peer: from.id });
    }
  }
  world.after(forMs, () => {
    for (const mend of mends) mend();
    world.note(() => `the cut ${shape} of n${one.id} is mended`);
  });
  return `cut ${shape} n${one.id} for ${forMs} ms`;
}

/** Whether every voter set that may be in force keeps a majority without `replica`. */
function canLose(world: FaultWorld, replica: Replica): boolean {
  return world.setsInPlay().every((voters) => {
    const left = voters.filter((voter) => world.isLive(voter) && voter.id !== replica.id).length;
    return left >= majority(voters.length);
  });
}

function wipe(world: FaultWorld, random: SeededRandom): string | null {
  const replica = target(world, random);
  const downMs = downTimeMs(world, random);
  if (!canLose(world, replica)) return null;
  replica.die(false);
  replica.wipe();
  world.after(downMs, () => world.restart(replica));
  return `n${replica.id} comes back with an empty disk, after ${downMs} ms`;
}

/**
 * Requests a change of voters, as a careful administrator does: a voter whose disk is lost is removed first, and no other voter
 * is removed while one is missing. Sometimes the request goes to the next leader right after its election, when it has not
 * committed anything yet, and is repeated a little later.
 */
function member(world: FaultWorld, random: SeededRandom): string | null {
  const leaders = world.leaders();
  const leader = leaders[below(random, leaders.length)];
  const soon = random.chance(0.35);
  const againMs = random.between(0, 2) * world.fetchTimeoutMs;
  const draw = random.u32();
  const pick = random.u32();
  if (soon) {
    world.atElections((next) => {
      const text = changeVoters(world, next, draw, pick);
      if (text !== null) world.note(() => text);
      const { life } = next;
      world.after(againMs, () => {
        if (next.life === life && !world.calm) changeVoters(world, next, draw, pick);
      });
    });
    return 'the next leader is to change its voters';
  }
  return leader === undefined ? null : changeVoters(world, leader, draw, pick);
}

function changeVoters(world: FaultWorld, leader: Replica, draw: number, pick: number): string | null {
  const change = chooseChange(world, leader.voters, draw, pick);
  if (change === null) return null;
  const before = votersText(leader.voters);
  world.clients.change(leader, change);
  const who = change.kind === 'upgrade' ? '' : ` n${change.voter.id}`;
  return `n${leader.id}, whose voters are ${before}, is to ${change.kind}${who}`;
}

function chooseChange(
  world: FaultWorld,
  voters: readonly Voter[],
  draw: number,
  pick: number,
): VoterChange | null {
  if (voters.some((voter) => voter.directoryId === uuidZero)) return { kind: 'upgrade' };
  const gone = voters.find((voter) => !world.isLive(voter));
  if (gone !== undefined) return { kind: 'remove', voter: gone };
  const others = world.replicas.filter((replica) => !voters.some((voter) => voter.id === replica.id));
  const other = others[pick % Math.max(1, others.length)];
  const present = voters[pick % voters.length];
  const kind = draw % 10;
  if (kind < 5 && other !== undefined) return { kind: 'add', voter: world.voterFor(other, 9093) };
  if (kind === 9 && present !== undefined) {
    const replica = world.replicas[present.id - 1] as Replica;
    return { kind: 'update', voter: world.voterFor(replica, 9094 + (pick % 5)) };
  }
  return present === undefined ? null : { kind: 'remove', voter: present };
}
