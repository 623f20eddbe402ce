/**
 * Control functions: functions of the test that get the requests of an API before the node's handler does. They can respond
 * themselves, pass the request on to the node, or delay it.
 */
import { CloseConnection, type HandlerResult, noResponse } from '../../broker/handler.ts';
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { Writer } from '../../protocol/codec/writer.ts';
import { responseFrame } from '../../protocol/frames.ts';
import type { Init, Message, Shape } from '../../protocol/schema/fields.ts';
import { settledOrFailed } from './answers.ts';
import type { ClusterFacts } from './client-apis.ts';
import type { LoggedRequest } from './request-ring.ts';

const writerBytes = 1_024;

/**
 * The result of a control function: the fields of a response, the end of the connection, no response, or the result of `next`.
 *
 * @example
 * ```ts
 * kafka.on('JoinGroup', () => 'close');
 * ```
 */
export type ControlOutcome = Readonly<Record<string, unknown>> | 'close' | 'ignore';

/**
 * Handles a request. `next` passes the request on and returns the response that the client would get: `'ignore'` if it would
 * get none (a Produce with acks=0), `'close'` if its connection would be closed. If the function throws, the error is logged
 * and the client gets UNKNOWN_SERVER_ERROR.
 *
 * @example
 * ```ts
 * const answerLate: ControlFunction = async (request, next) => {
 *   await kafka.wait.inSync('orders');
 *   return next();
 * };
 * kafka.on('Fetch', answerLate);
 * ```
 */
export type ControlFunction = (
  request: LoggedRequest,
  next: () => Promise<ControlOutcome>,
) => ControlOutcome | Promise<ControlOutcome>;

export class Controls {
  private readonly byApi = new Map<string, ControlFunction[]>();
  private readonly facts: ClusterFacts;

  constructor(facts: ClusterFacts) {
    this.facts = facts;
  }

  /** Adds a function for an API; it is called before those that were added earlier. Returns a function that removes it. */
  add(api: string, control: ControlFunction): () => void {
    this.facts.apis.check(api);
    if (typeof control !== 'function')
      throw new TypeError('A control function is missing: on(api, (request, next) => …).');
    this.byApi.set(api, [control, ...(this.byApi.get(api) ?? [])]);
    return () => {
      this.byApi.set(
        api,
        (this.byApi.get(api) ?? []).filter((one) => one !== control),
      );
    };
  }

  clear(): void {
    this.byApi.clear();
  }

  apply(
    request: LoggedRequest,
    active: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const controls = this.byApi.get(request.api) ?? [];
    if (controls.length === 0) return run();
    const given = new Set<unknown>();
    const ask = async (at: number): Promise<ControlOutcome> => {
      const control = controls[at];
      if (control === undefined) {
        const result = outcomeOf(await settledOrFailed(run(), active));
        given.add(result);
        return result;
      }
      const outcome = await asTestFunction(`The control function of ${request.api}`, () =>
        control(request, () => ask(at + 1)),
      );
      // A result of next() comes from the node, so only other results are checked.
      if (!given.has(outcome)) checkOutcome(outcome, active);
      return outcome;
    };
    return ask(0).then((outcome) => {
      if (outcome === 'close') return new CloseConnection('test control function');
      return outcome === 'ignore' ? noResponse : outcome;
    });
  }
}

/** The result of a handler in the form that `next` returns. */
function outcomeOf(result: unknown): ControlOutcome {
  if (result instanceof CloseConnection) return 'close';
  return result === noResponse ? 'ignore' : (result as ControlOutcome);
}

/** Runs a function of the test. An error that it throws becomes a `TestFunctionError` that names the function (`what`). */
export async function asTestFunction<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    // An error of an inner function of the test is named already.
    if (cause instanceof TestFunctionError) throw cause;
    throw threw(what, cause);
  }
}

/** As `asTestFunction`, but returns the result of a synchronous function directly, not as a promise. */
export function asTestFunctionNow<T>(what: string, run: () => T | Promise<T>): T | Promise<T> {
  try {
    const result = run();
    return result instanceof Promise ? asTestFunction(what, () => result) : result;
  } catch (cause) {
    throw threw(what, cause);
  }
}

function threw(what: string, cause: unknown): TestFunctionError {
  return new TestFunctionError(`${what} threw: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}

/** A function of the test has thrown an error, or returned something that cannot be sent to the client. */
export class TestFunctionError extends Error {
  override readonly name = 'TestFunctionError';
}

/**
 * Throws when a control function has returned something that cannot be sent. Without this check the connection would be closed
 * without a reason.
 */
function checkOutcome(outcome: unknown, active: ActiveRequest): void {
  if (outcome === 'close' || outcome === 'ignore') return;
  const { handler } = active;
  const what = `The control function of ${handler.name} returned`;
  if (typeof outcome !== 'object' || outcome === null || Array.isArray(outcome))
    throw new TestFunctionError(
      `${what} ${JSON.stringify(outcome)}; expected are the fields of a response, 'close', 'ignore', or what next() gives.`,
    );
  const response = outcome as Readonly<Record<string, unknown>>;
  const trouble =
    strangerIn(`${handler.name}Response`, response, handler.response.fields) ?? misfitIn(response, active);
  if (trouble !== null) throw new TestFunctionError(`${what} a response that cannot be sent: ${trouble}.`);
}

/** A message about a field that the response does not have, which is probably misspelled; null: there is none. */
function strangerIn(path: string, given: Readonly<Record<string, unknown>>, known: Shape): string | null {
  for (const [name, value] of Object.entries(given)) {
    const field = known[name];
    if (field === undefined)
      return `${path} has no field '${name}'; fields are ${Object.keys(known).join(', ')}`;
    const inner = field.fields ?? field.element?.fields ?? null;
    if (inner === null) continue;
    for (const one of [value].flat()) {
      if (typeof one !== 'object' || one === null) continue;
      const stranger = strangerIn(`${path}.${name}`, one as Readonly<Record<string, unknown>>, inner);
      if (stranger !== null) return stranger;
    }
  }
  return null;
}

/** A message about a field that is missing, or whose value is invalid in this version; null: there is none. */
function misfitIn(response: Readonly<Record<string, unknown>>, active: ActiveRequest): string | null {
  try {
    responseFrame(active.handler.response, active, response as Init<Message>, new Writer(writerBytes));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
