/** Keeps the newest requests of clients with their responses, decoded, so that a test can count, examine or print them. */
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { errorOf } from '../../protocol/errors.ts';
import type { ClusterFacts } from './client-apis.ts';
import { checkNames, checkNode, checkTexts, type OptionNames } from './known-names.ts';
import { type LoggedRequest, RequestEntry, RequestRing } from './request-ring.ts';
import { errorCodesOf, groupsOf, topicPartitionsOf, transactionalIdsOf } from './request-parts.ts';

/**
 * Selects requests to count.
 *
 * @example
 * ```ts
 * kafka.requests.count({ api: 'Fetch', clientId: 'billing', node: 2 });
 * ```
 */
export interface RequestFilter {
  readonly api?: string;
  readonly clientId?: string;
  readonly node?: number;
}

const filterNames: OptionNames<RequestFilter> = { api: true, clientId: true, node: true };

function aboutOf(body: unknown, nameOf: (topicId: string) => string | null): string {
  const topics = topicPartitionsOf(body, nameOf).map(({ topic, partitions }) =>
    partitions.length === 0 ? topic : `${topic}[${partitions.join(',')}]`,
  );
  const groups = groupsOf(body).map((group) => `group ${group}`);
  const transactions = transactionalIdsOf(body).map((id) => `transactional id ${id}`);
  return [...topics, ...groups, ...transactions].join(' ');
}

/**
 * The newest requests: up to a thousand, and up to 64 MiB with their responses.
 *
 * @example
 * ```ts
 * kafka.requests.clear();
 * console.log(String(kafka.requests));
 * ```
 */
export class RequestLog {
  private readonly ring = new RequestRing();
  private readonly facts: ClusterFacts;

  /** @internal */
  constructor(facts: ClusterFacts) {
    this.facts = facts;
  }

  /** The requests, oldest first; with `api` only those of one API. */
  of(api?: string): readonly LoggedRequest[] {
    if (api !== undefined) this.facts.apis.check(api);
    return api === undefined ? [...this.ring.list] : this.ring.list.filter((entry) => entry.api === api);
  }

  /** The number of requests that match the filter. */
  count(filter: RequestFilter = {}): number {
    checkNames('requests.count', filter, filterNames);
    const { api, clientId, node } = filter;
    checkTexts('requests.count', { clientId });
    if (node !== undefined) checkNode(node, this.facts.nodeCount);
    if (api !== undefined) this.facts.apis.check(api);
    return this.ring.list.filter(
      (entry) =>
        (api === undefined || entry.api === api) &&
        (clientId === undefined || entry.clientId === clientId) &&
        (node === undefined || entry.node === node),
    ).length;
  }

  /** Removes all requests from this log. */
  clear(): void {
    this.ring.clear();
  }

  /**
   * One line per request: time since the first request, node, client, API, summary, and the errors of the response; with `api`
   * only the requests of one API.
   */
  toString(api?: string): string {
    const startMs = this.ring.list[0]?.timestampMs ?? 0;
    return this.of(api)
      .map((entry) => {
        const time = `+${entry.timestampMs - startMs}`.padStart(8);
        const answer =
          entry.response === undefined
            ? 'no answer yet'
            : [...errorCodesOf(entry.response)].map((code) => errorOf(code).name).join(' ') || 'ok';
        return `${time} ms  node ${entry.node}  ${entry.clientId}  ${entry.api} v${entry.version}  ${entry.about}  -> ${answer}`;
      })
      .join('\n');
  }

  /** @internal Records a request. */
  note(
    node: number,
    request: ActiveRequest,
    timestampMs: number,
    nameOf: (topicId: string) => string | null,
  ): RequestEntry {
    const { handler, apiVersion, clientId, correlationId, body } = request;
    const entry = new RequestEntry({
      api: handler.name,
      version: apiVersion,
      node,
      clientId,
      correlationId,
      timestampMs,
      body,
      about: aboutOf(body, nameOf),
    });
    this.ring.push(entry);
    return entry;
  }

  /** @internal */
  answered(entry: RequestEntry, response: unknown): void {
    entry.answered(response);
    this.ring.trim();
  }
}
