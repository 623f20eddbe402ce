/** Control functions: a function of the test that stands before an API, and answers itself, lets pass, or holds back. */
import { CloseConnection, type HandlerResult, type TwoPhase } from '../../broker/handler.ts';
import { checkApi } from './known-names.ts';
import type { LoggedRequest } from './request-log.ts';

/**
 * What a control function returns: a response's fields, an end of the connection, silence, or what `next` gave.
 *
 * @example
 * ```ts
 * kafka.on('JoinGroup', () => 'close');
 * ```
 */
export type ControlOutcome = Readonly<Record<string, unknown>> | 'close' | 'ignore';

/**
 * `next` does what would be done without this function, and gives the response that the client would get.
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

/** The response that a result ends with, whatever its phases. */
export async function settled(result: HandlerResult<unknown>): Promise<unknown> {
  const value = await result;
  return typeof value === 'object' && value !== null && 'ordered' in value
    ? (value as TwoPhase<unknown>).response
    : value;
}

export class Controls {
  private readonly byApi = new Map<string, ControlFunction[]>();

  /** The newest function of an API is asked first. Returns what takes it back. */
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
