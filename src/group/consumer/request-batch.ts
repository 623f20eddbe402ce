/**
 * Combines requests of one consumer group into writes. A request changes the state at once; each change is kept as a record,
 * and as a function that undoes it. The records of a batch are one atomic write, and the responses are sent when it is
 * replicated. Requests for the group that arrive meanwhile wait and form the next batch.
 *
 * So every response is based on replicated state, a failed write is undone exactly, and a thousand members that join at the
 * same time cost only a few writes.
 */
import { mark } from '../../base/mark.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { reply, write } from '../group-turn.ts';
import type { Change } from './changes.ts';
import type { BatchOf } from './group.ts';
import { recordOf } from './records.ts';
import { keepSession } from './timers.ts';

/** A batch that has this many records accepts no further request. */
const recordsMax = 200;

export type Batch = BatchOf<Turn>;

/**
 * An operation returns this instead of a response when the group has no target assignment yet: the request waits until the
 * group has one.
 */
export const waitsForTarget = Symbol('waits for the first target assignment');

/** A request for a group, or the coordinator's own work for it, such as the removal of an expired member. */
export interface Operation {
  /** Null: no client waits for a response. */
  readonly token: number | null;
  /**
   * Changes the group with `change`, and returns the response or `waitsForTarget`. Throws `KafkaError` to refuse the request:
   * then the changes that it made are undone.
   */
  readonly run: (batch: Batch) => unknown;
  /** Makes the response with an error. */
  readonly refused: (error: ErrorRow, message: string | null) => unknown;
  /**
   * Handles the whole request again, after it has waited for an earlier batch or for the first assignment. By then the group
   * may have been deleted or converted.
   */
  readonly again: (turn: Turn) => void;
}

/**
 * Runs `operation` now when no write of the group is in flight; otherwise when the outcome of that write is known. A group that
 * is being deleted refuses the operation.
 */
export function operate(turn: Turn, group: ConsumerGroup, operation: Operation): void {
  if (group.deleting) {
    if (operation.token === null) return;
    return reply(turn, operation.token, operation.refused(Errors.COORDINATOR_NOT_AVAILABLE, null));
  }
  const { batch } = group;
  if (batch !== null && !batch.open) {
    // While the outcome of the batch is unknown, a client's request gets the error of the write. Work of the coordinator itself
    // waits as long as necessary.
    if (batch.stalled === null || operation.token === null) batch.waiting.push(operation.again);
    else reply(turn, operation.token, operation.refused(batch.stalled, null));
    return;
  }
  const current = batch ?? openBatch(group);
  runIn(turn, group, current, operation);
  if (batch === null) close(turn, group, current);
  else if (current.records.length >= recordsMax) current.open = false;
}

function openBatch(group: ConsumerGroup): Batch {
  const batch: Batch = {
    records: [],
    undo: [],
    applied: [],
    answers: [],
    waiting: [],
    open: true,
    stalled: null,
  };
  group.batch = batch;
  return batch;
}

function runIn(turn: Turn, group: ConsumerGroup, batch: Batch, operation: Operation): void {
  const { token, run, refused, again } = operation;
  const { records, undo, applied } = batch;
  const before = { records: records.length, undo: undo.length, applied: applied.length };
  let response: unknown;
  try {
    response = run(batch);
  } catch (error) {
    if (!(error instanceof KafkaError)) {
      // A bug in the operation: nothing of this batch has been written, so all its changes are undone and the group continues.
      takeBack(turn, undo, 0);
      group.batch = null;
      throw error;
    }
    takeBack(turn, undo, before.undo);
    records.length = before.records;
    applied.length = before.applied;
    response = refused(error.error, error.message);
  }
  if (token === null) return;
  batch.answers.push((later, error) => {
    if (error !== null) reply(later, token, refused(error, null));
    else if (response !== waitsForTarget) reply(later, token, response);
    else if (group.assigning === null) again(later);
    else group.waitingForTarget.push(again);
  });
}

function takeBack(turn: Turn, undo: ((turn: Turn) => void)[], downTo: number): void {
  while (undo.length > downTo) undo.pop()?.(turn);
}

/** Changes the group, and adds the record of the change to the batch. */
export function change(batch: Batch, group: ConsumerGroup, what: Change): void {
  changeUnrecorded(batch, group, what);
  batch.records.push(recordOf(group.groupId, what));
}

/** Changes the group only; the caller adds the records to the batch. */
export function changeUnrecorded(batch: Batch, group: ConsumerGroup, what: Change): void {
  const inverse = group.apply(what);
  batch.undo.push(() => {
    group.apply(inverse);
  });
}

function close(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  batch.open = false;
  if (batch.records.length === 0) {
    for (const applied of batch.applied) applied(turn);
    return settle(turn, group, batch, null);
  }
  write(turn, batch.records, {
    apply: (later) => {
      for (const applied of batch.applied) applied(later);
      group.batch = null;
    },
    undo: (later) => {
      mark('group.batch-taken-back');
      takeBack(later, batch.undo, 0);
      group.batch = null;
      // Deadlines that led to changes of the batch have been used up. As those changes are undone, the session deadlines are
      // set again.
      for (const member of group.members.values()) keepSession(later, group, member);
    },
    answer: (later, error) => {
      if (group.batch === batch) stall(later, batch, error);
      else settle(later, group, batch, error);
    },
  });
}

/** The write timed out, so its outcome is unknown: all requests of the batch, and those that wait for it, get the error. */
function stall(turn: Turn, batch: Batch, error: ErrorRow | null): void {
  batch.stalled = error;
  for (const answer of batch.answers) answer(turn, error);
  const { waiting } = batch;
  batch.waiting = [];
  for (const again of waiting) again(turn);
}

function settle(turn: Turn, group: ConsumerGroup, batch: Batch, error: ErrorRow | null): void {
  group.batch = null;
  for (const answer of batch.answers) answer(turn, error);
  discardIfNew(turn, group);
  const { waiting } = batch;
  if (waiting.length === 0) return;
  // The waiting requests form one batch; those that do not fit wait for the next one.
  const next = turn.shard.groups.get(group.groupId) === group ? openBatch(group) : null;
  for (const again of waiting) again(turn);
  if (next !== null && group.batch === next) close(turn, group, next);
}

/**
 * Handles the requests again that wait for the first target assignment: the group has it now, or its computation was dropped
 * and begins again.
 */
export function retryWaitingForTarget(turn: Turn, group: ConsumerGroup): void {
  const waiting = group.waitingForTarget;
  group.waitingForTarget = [];
  for (const again of waiting) again(turn);
}

/**
 * This broker is no longer the coordinator: pending requests get the error. Requests whose records are being written get their
 * response from that write.
 */
export function resignBatch(turn: Turn, group: ConsumerGroup, error: ErrorRow): void {
  const batch = group.batch ?? openBatch(group);
  batch.open = false;
  batch.stalled = error;
  const { waiting } = batch;
  batch.waiting = [];
  for (const again of waiting) again(turn);
  retryWaitingForTarget(turn, group);
}

/** Removes a group that was created by a request but has no record in the log. */
function discardIfNew(turn: Turn, group: ConsumerGroup): void {
  const { groups } = turn.shard;
  if (group.epoch > 0 || group.members.size > 0 || group.offsets.size > 0 || group.commits.size > 0) return;
  if (groups.get(group.groupId) === group) groups.delete(group.groupId);
}
