/** Keeps the first violation of a run. Later ones are ignored, because they may only be consequences of the first. */
import type { SimulationViolation } from '../../simulation/run.ts';

export class Verdict {
  violation: SimulationViolation | null = null;

  report(invariant: string, message: string): void {
    this.violation ??= { invariant, message };
  }

  /** Reports an error that the code under test has thrown, such as a failed assertion. */
  threw(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.report('assertion', text);
  }
}
