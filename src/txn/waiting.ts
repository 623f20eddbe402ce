/**
 * Requests that arrive while their transactional id is between two states. Kafka refuses them with CONCURRENT_TRANSACTIONS, and
 * clients retry after a delay. Here they wait for the transition, which usually takes less than that delay, and are refused only
 * when it takes longer.
 */
import { Errors } from '../protocol/errors.ts';
import { type Entry, isInTransition, refused, reply, type Request, type Turn, type Waiting } from './turn.ts';

/** Longest wait for a transition; the same as the clients' delay before a retry. */
export const transitionWaitMs = 100;

/** Maximum number of requests that wait for one transactional id; the next one is refused at once. */
export const waitingPerIdMax = 100;

export function wait(turn: Turn, entry: Entry, input: Request): void {
  if (entry.waiting.size >= waitingPerIdMax) return refuse(turn, input);
  const waiting: Waiting = { input, entry, untilMs: turn.nowMs + transitionWaitMs };
  entry.waiting.add(waiting);
  turn.shard.waiting.add(waiting);
}

/** Tries the waiting requests of `entry` again, as long as it has no record in flight. */
export function wake(turn: Turn, entry: Entry, take: (turn: Turn, input: Request) => void): void {
  // A request that must wait again keeps its position and its deadline.
  for (const waiting of [...entry.waiting]) {
    if (isInTransition(entry)) return;
    remove(turn, waiting);
    take(turn, waiting.input);
  }
}

export function refuseOverdue(turn: Turn): void {
  for (const waiting of turn.shard.waiting) {
    if (waiting.untilMs > turn.nowMs) return;
    remove(turn, waiting);
    refuse(turn, waiting.input);
  }
}

function remove(turn: Turn, waiting: Waiting): void {
  waiting.entry.waiting.delete(waiting);
  turn.shard.waiting.delete(waiting);
}

function refuse(turn: Turn, input: Request): void {
  reply(turn, input.token, refused(Errors.CONCURRENT_TRANSACTIONS));
}

export function nextOverdueMs(waiting: Iterable<Waiting>): number {
  for (const { untilMs } of waiting) return untilMs;
  return Number.POSITIVE_INFINITY;
}
