/** The first thing that was wrong in a run: an invariant by its id, with what was seen. Later ones may follow from it. */
import type { SimulationViolation } from '../../simulation/run.ts';

export class Verdict {
  violation: SimulationViolation | null = null;

  report(invariant: string, message: string): void {
    this.violation ??= { invariant, message };
  }

  /** What the code under test found out by itself: an assertion, a rejected promise. */
  threw(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.report('assertion', text);
  }
}
