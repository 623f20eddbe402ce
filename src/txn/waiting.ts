/**
 * Requests that arrive while the state of their transactional id is changing. Kafka refuses them with CONCURRENT_TRANSACTIONS,
 * and clients retry after a delay. Here they wait until the change is done, because that usually takes less time than the
 * delay. A request that has waited for `transitionWaitMs` is refused as in Kafka.
 */
import { Errors } from '../protocol/errors.ts';
import {
  type Entry,
  isInTransition,
  refused,
  reply,
  type Request,
  type Turn,
  type Waiting,
} from './txn-turn.ts';

/**
 * The longest wait. It equals the default delay before a client's retry (`retry.backoff.ms`), so waiting is not slower than
 * refusing.
 */
export const transitionWaitMs = 100;

/** Maximum number of requests that wait for one transactional id; the next one is refused at once. */
export const waitingPerIdMax = 100;

export function wait(turn: Turn, entry: Entry, input: Request): void {
  if (entry.waiting.size >= waitingPerIdMax) return refuse(turn, input);
  const waiting: Waiting = { input, entry, untilMs: turn.nowMs + transitionWaitMs };
  entry.waiting.add(waiting);
  turn.shard.waiting.add(waiting);
}

/**
 * Handles the waiting requests of `entry` again, oldest first, until one of them starts a new transition. The later ones
 * continue to wait, with their former deadlines.
 */
export function wake(turn: Turn, entry: Entry, take: (turn: Turn, input: Request) => void): void {
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
