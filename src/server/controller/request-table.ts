/**
 * The requests that the active controller has begun. A node sends a request again when it gets no response in time; the table
 * recognises the repetition by node id, boot id (one for each start of the node) and request id. So each request is carried out
 * once in a controller epoch, and a repetition gets the response of the first. The table is emptied at each election: the
 * results are not valid any more, because another node may have been active in between.
 *
 * The table is bounded: with each request a sender says the lowest id that it may still send again (`lowestPendingId`), and a
 * new boot id of a node removes the requests of the old one.
 */
import type { NodeId } from '../../base/ids.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { Call } from '../calls/messages.ts';

/** The sender of a request. */
export interface Requester {
  readonly nodeId: NodeId;
  readonly bootId: number;
  /** Whether the sender still waits for the response. */
  readonly isAwaited: () => boolean;
}

interface Begun {
  readonly answer: Promise<Uint8Array>;
  readonly askers: (() => boolean)[];
}

interface Boot {
  readonly bootId: number;
  /** By request id, in the order of arrival, which is nearly the order of the ids. */
  readonly requests: Map<number, Begun>;
}

const requestsPerNodeMax = 10_000;

export class RequestTable {
  readonly #nodes = new Map<NodeId, Boot>();

  get size(): number {
    let size = 0;
    for (const { requests } of this.#nodes.values()) size += requests.size;
    return size;
  }

  /**
   * Calls `begin` for a new request, and returns its result also for each repetition. `begin` gets a function that says whether
   * any sender of the request still waits for the response.
   */
  once(
    call: Call,
    requester: Requester,
    begin: (isAwaited: () => boolean) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const { requestId, lowestPendingId } = call;
    const requests = this.#requestsOf(requester);
    for (const id of requests.keys()) if (id < lowestPendingId) requests.delete(id);
    const known = requests.get(requestId);
    if (known !== undefined) {
      known.askers.push(requester.isAwaited);
      return known.answer;
    }
    if (requests.size >= requestsPerNodeMax)
      return Promise.reject(new KafkaError(Errors.REQUEST_TIMED_OUT, 'Too many requests of one node.'));
    const askers = [requester.isAwaited];
    const answer = begin(() => askers.some((isAwaited) => isAwaited()));
    requests.set(requestId, { answer, askers });
    // A request that was refused before it was carried out is forgotten, so that a repetition is carried out.
    answer.catch((error: unknown) => {
      if (isNotCarriedOut(error)) requests.delete(requestId);
    });
    return answer;
  }

  /** Forgets all requests, because the controller epoch has ended. */
  clear(): void {
    this.#nodes.clear();
  }

  #requestsOf({ nodeId, bootId }: Requester): Map<number, Begun> {
    const known = this.#nodes.get(nodeId);
    if (known?.bootId === bootId) return known.requests;
    const requests = new Map<number, Begun>();
    this.#nodes.set(nodeId, { bootId, requests });
    return requests;
  }
}

function isNotCarriedOut(error: unknown): boolean {
  if (!(error instanceof KafkaError)) return false;
  return error.error === Errors.NOT_CONTROLLER || error.error === Errors.REQUEST_TIMED_OUT;
}
