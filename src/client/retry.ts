/** Repeats an operation until it succeeds, fails permanently, or there is no time for another attempt. */
import { sleep, type Timer } from '../base/clock.ts';
import { KafkaError } from '../protocol/errors.ts';
import { type ClientPorts, DisconnectedError } from './connection.ts';

const backoffFirstMs = 20;
const backoffLastMs = 500;

/** Whether a retry can help: the connection broke or was refused, or Kafka calls the error retriable. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.error.retriable;
  if (error instanceof DisconnectedError) return true;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(code);
}

/** The result of `work`. Throws `late()` when there is none at `deadlineMs`; `work` goes on, and its result is ignored. */
export async function beforeDeadline<T>(
  { clock, scheduler }: Pick<ClientPorts, 'clock' | 'scheduler'>,
  deadlineMs: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  let timer: Timer | null = null;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = scheduler.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => reject(late()));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    (timer as Timer | null)?.cancel();
  }
}

/**
 * Runs `attempt` until it succeeds. Throws its error when that is permanent, or when the next attempt would begin after
 * `timeoutMs`. A running attempt is not interrupted.
 */
export async function retry<T>(
  ports: Pick<ClientPorts, 'clock' | 'scheduler'>,
  timeoutMs: number,
  attempt: () => Promise<T>,
  canRetry: (error: unknown) => boolean = isRetriable,
): Promise<T> {
  const deadlineMs = ports.clock.monotonicMs() + timeoutMs;
  for (let backoffMs = backoffFirstMs; ; backoffMs = Math.min(backoffMs * 2, backoffLastMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!canRetry(error) || ports.clock.monotonicMs() + backoffMs > deadlineMs) throw error;
    }
    await sleep(ports.scheduler, backoffMs);
  }
}
