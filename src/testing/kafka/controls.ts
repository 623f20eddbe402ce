/**
 * Control functions: functions of the test that handle requests of an API before the node does. They can respond themselves, pass
 * the request on, or delay it.
 */
import { CloseConnection, type HandlerResult, type TwoPhase } from '../../broker/handler.ts';
import { checkApi } from './known-names.ts';
import type { LoggedRequest } from './request-log.ts';

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
 * `next` passes the request on and returns the response that the client would get.
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

/** The response in which a result ends, whatever its phases. */
export async function settled(result: HandlerResult<unknown>): Promise<unknown> {
  const value = await result;
  return typeof value === 'object' && value !== null && 'ordered' in value
    ? (value as TwoPhase<unknown>).response
    : value;
}

export class Controls {
  private readonly byApi = new Map<string, ControlFunction[]>();

  /** The newest function of an API is called first. Returns a function that removes it. */
  add(api: string, control: ControlFunction): () => void {
    checkApi(api);
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

  apply(request: LoggedRequest, run: () => HandlerResult<unknown>): HandlerResult<unknown> {
    const controls = this.byApi.get(request.api) ?? [];
    if (controls.length === 0) return run();
    const ask = async (at: number): Promise<unknown> => {
      const control = controls[at];
      if (control === undefined) return settled(run());
      return control(request, async () => (await ask(at + 1)) as ControlOutcome);
    };
    return ask(0).then((outcome) => {
      if (outcome === 'close') return new CloseConnection('test control function');
      if (outcome === 'ignore') return new Promise(() => {});
      return outcome;
    });
  }
}
