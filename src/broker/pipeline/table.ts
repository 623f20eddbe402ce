/** Finds the handler for an API key on a kind of listener. The table is made once, from the list in `api/index.ts`. */
import { assert } from '../../base/assert.ts';
import type { Handler, ListenerKind } from '../handler.ts';

const kinds: readonly ListenerKind[] = ['broker', 'controller'];

export class HandlerTable {
  readonly #byKind = new Map<ListenerKind, (Handler | undefined)[]>();

  constructor(handlers: readonly Handler[]) {
    for (const kind of kinds) {
      const row: (Handler | undefined)[] = [];
      for (const handler of handlers) {
        if (!handler.listeners.includes(kind)) continue;
        assert(
          row[handler.apiKey] === undefined,
          `api key ${handler.apiKey} has two handlers on ${kind} listeners`,
        );
        row[handler.apiKey] = handler;
      }
      this.#byKind.set(kind, row);
    }
  }

  get(kind: ListenerKind, apiKey: number): Handler | null {
    return this.#byKind.get(kind)?.[apiKey] ?? null;
  }

  /** All handlers that a kind of listener serves, ordered by API key. */
  list(kind: ListenerKind): Handler[] {
    return (this.#byKind.get(kind) ?? []).filter((handler) => handler !== undefined);
  }
}
