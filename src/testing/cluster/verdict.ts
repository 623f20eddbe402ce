/** The first violation of a run: the id of the invariant, and what was observed. Later violations may only follow from it. */
import type { SimulationViolation } from '../../simulation/run.ts';

export class Verdict {
  violation: SimulationViolation | null = null;

  report(invariant: string, message: string): void {
    this.violation ??= { invariant, message };
  }

  /** An error of the code under test: a failed assertion or a rejected promise. */
  threw(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.report('assertion', text);
  }
}
