/**
 * What the kit does with each request of a client before the node handles it: it records the request, shows it to the test, and
 * applies control functions, then faults.
 */
import type { Handler, HandlerResult } from '../../broker/handler.ts';
import type { RequestInterceptor } from '../../broker/pipeline/interceptor.ts';
import { Errors } from '../../protocol/errors.ts';
import { failureOf, mapResponse } from './answers.ts';
import { ClientApis } from './client-apis.ts';
import type { ClientDoor } from './client-door.ts';
import { Controls, TestFunctionError } from './controls.ts';
import { FaultPlan } from './faults.ts';
import type { LogRing } from './node-log.ts';
import { RequestLog } from './request-log.ts';
import type { LoggedRequest } from './request-ring.ts';
import { kitClientId } from './test-client.ts';
import type { TestTime } from './time.ts';

interface Surroundings {
  readonly time: TestTime;
  readonly log: LogRing;
  readonly nodeCount: number;
  /** The handlers of all running nodes, so an API may appear more than once; empty when no node runs. */
  readonly handlers: () => readonly Handler[];
  /** The name of the topic with an id; null: there is none. */
  readonly nameOf: (topicId: string) => string | null;
  readonly onRequest: ((request: LoggedRequest) => void) | null;
}

export class ClientRequests {
  readonly log: RequestLog;
  readonly controls: Controls;
  readonly faults: FaultPlan;
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
    const facts = { apis: new ClientApis(around.handlers), nodeCount: around.nodeCount };
    this.log = new RequestLog(facts);
    this.controls = new Controls(facts);
    this.faults = new FaultPlan(around.time, around.nameOf, facts);
  }

  /** Removes all faults and control functions. */
  clear(): void {
    this.faults.clear();
    this.controls.clear();
  }

  interceptorOf(nodeId: number, door: ClientDoor): RequestInterceptor {
    const { time, log, nameOf } = this.around;
    return {
      intercept: (request, run) => {
        door.setClientId(request.connection.remote.port, request.clientId);
        // Requests of the kit itself are neither recorded nor changed.
        if (request.clientId === kitClientId) return run();
        const entry = this.log.note(nodeId, request, time.wallMs(), nameOf);
        this.show(entry);
        const answer = (response: unknown): unknown => {
          this.log.answered(entry, response);
          return response;
        };
        const failed = (error: unknown): unknown => {
          if (!(error instanceof TestFunctionError)) throw error;
          log.testFailed(nodeId, time.wallMs(), error.message);
          return answer(failureOf(request, request.body, Errors.UNKNOWN_SERVER_ERROR, error.message));
        };
        const faulty = (): HandlerResult<unknown> => this.faults.apply(nodeId, entry, request, run);
        try {
          return mapResponse(this.controls.apply(entry, request, faulty), answer, failed);
        } catch (error) {
          return failed(error);
        }
      },
    };
  }

  /** An exception of the test's function does not change the response. */
  private show(entry: LoggedRequest): void {
    const { time, log, onRequest } = this.around;
    const failed = (error: unknown): void =>
      log.testFailed(entry.node, time.wallMs(), `onRequest threw: ${String(error)}`);
    try {
      // The promise of an async function, or of a stand-in that calls the function in the test's thread (`remote/`).
      const shown = onRequest?.(entry) as unknown;
      if (shown instanceof Promise) shown.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
