/** Mutes a connection for a client quota (KIP-219): while it is muted, nothing is read from it and no request is started. */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { ClientQuotas, QuotaType } from '../quotas/client-quotas.ts';

export interface MuteOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly quotas: ClientQuotas;
  readonly onEnd: () => void;
}

export class Mute {
  readonly #options: MuteOptions;
  #type: QuotaType | null = null;
  #untilMs = 0;
  #timer: Timer | null = null;

  constructor(options: MuteOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#type !== null;
  }

  /** Mutes the connection for a time, unless it is already muted for longer. */
  begin(type: QuotaType, timeMs: number): void {
    const { clock, scheduler, quotas, onEnd } = this.#options;
    const untilMs = clock.monotonicMs() + timeMs;
    if (this.#type !== null && untilMs <= this.#untilMs) return;
    this.end();
    this.#type = type;
    this.#untilMs = untilMs;
    quotas.countThrottled(type, 1);
    this.#timer = scheduler.after(timeMs, () => {
      this.end();
      onEnd();
    });
  }

  end(): void {
    if (this.#type === null) return;
    this.#options.quotas.countThrottled(this.#type, -1);
    this.#type = null;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
