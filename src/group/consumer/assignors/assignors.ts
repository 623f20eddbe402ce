/** The assignors that `group.consumer.assignors` may name, and a function that runs one. */
import type { Assigning, Assignment, Assignor } from './assignor.ts';
import { range } from './range.ts';
import { uniform } from './uniform.ts';

export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniform],
  ['range', range],
]);

/** Runs an assignment to its end without a pause. */
export function assignNow(assigning: Assigning): Assignment {
  for (;;) {
    const { value, done } = assigning.next();
    if (done === true) return value;
  }
}
