/**
 * The state of a shard and one step of it in the making: what the files of this folder read and add to.
 */
import { defined } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { ClassicGroup } from './classic/group.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import type { GroupConfig, GroupRecord, Note, Now, Reply, Write } from './types.ts';

/** A walk over all groups, some at a time: for expired offsets, or for offsets of deleted topics. */
export interface Sweep {
  readonly topics: ReadonlySet<string> | null;
  readonly rest: Iterator<ClassicGroup>;
}

/** What waits for the outcome of a write. */
export interface Pending {
  /** Changes the state, once the write is replicated. */
  readonly apply: (turn: Turn) => void;
  /** Takes back what was done in anticipation. */
  readonly undo: (turn: Turn, error: ErrorRow) => void;
  /** Answers who waits; null: it succeeded. */
  readonly answer: (turn: Turn, error: ErrorRow | null) => void;
  /** Whether a time-out takes back what was done in anticipation, though the write may still turn out to be replicated. */
  readonly undoOnTimeout: boolean;
}

export interface Shard {
  readonly config: GroupConfig;
  readonly random: Random;
  readonly groups: Map<string, ClassicGroup>;
  readonly deadlines: Deadlines;
  readonly pending: Map<number, Pending>;
  readonly sweeps: Sweep[];
  readonly sweepDeadline: Deadline;
  /** When the next look for expired offsets is due. */
  nextExpiryMs: number;
  nextWriteId: number;
}

/** One step in the making: the shard, the time and what the step puts out. */
export interface Turn extends Now {
  readonly shard: Shard;
  readonly writes: Write[];
  readonly replies: Reply[];
  readonly notes: Note[];
}

export function createTurn(shard: Shard, now: Now): Turn {
  return { shard, nowMs: now.nowMs, wallMs: now.wallMs, writes: [], replies: [], notes: [] };
}

export function reply(turn: Turn, token: number, response: unknown): void {
  turn.replies.push({ token, response });
}

export function note(
  turn: Turn,
  level: Note['level'],
  message: string,
  fields: Record<string, unknown>,
): void {
  turn.notes.push({ level, message, fields });
}

/** Puts out records to append together; returns the id of the write. */
export function write(turn: Turn, records: readonly GroupRecord[], pending: Partial<Pending>): number {
  const id = turn.shard.nextWriteId++;
  turn.shard.pending.set(id, {
    apply: pending.apply ?? nothing,
    undo: pending.undo ?? nothing,
    answer: pending.answer ?? nothing,
    undoOnTimeout: pending.undoOnTimeout ?? false,
  });
  turn.writes.push({ id, records });
  return id;
}

function nothing(): void {}

export function getOrCreateGroup(turn: Turn, groupId: string): ClassicGroup {
  const { groups } = turn.shard;
  if (!groups.has(groupId)) groups.set(groupId, new ClassicGroup(groupId, turn.wallMs));
  return defined(groups.get(groupId));
}
