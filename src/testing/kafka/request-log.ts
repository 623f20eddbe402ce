/** The newest requests of clients with their responses, decoded: to count, to examine, or to print as a timeline. */
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { errorOf } from '../../protocol/errors.ts';
import { checkApi, checkNames, type OptionNames } from './known-names.ts';
import { errorCodesOf, groupsOf, topicPartitionsOf, transactionalIdsOf } from './request-parts.ts';

const requestsMax = 1_000;

/**
 * A request as the node received it.
 *
 * @example
 * ```ts
 * const [first] = kafka.requests.of('Produce');
 * console.log(first?.clientId, first?.version, first?.about);
 * ```
 */
export interface LoggedRequest {
  /** Kafka's name, such as `Produce`. */
  readonly api: string;
  readonly version: number;
  readonly node: number;
  readonly clientId: string;
  readonly correlationId: number;
  /** Time of the cluster's clock, since 1970. */
  readonly timestampMs: number;
  /** All fields, under Kafka's names. */
  readonly body: unknown;
  /** The response; undefined until there is one. */
  readonly response: unknown;
  /** A summary of the topics, partitions, groups and transactional ids in the request. */
  readonly about: string;
}

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
 * The newest thousand requests.
 *
 * @example
 * ```ts
 * kafka.requests.clear();
 * console.log(String(kafka.requests));
 * ```
 */
export class RequestLog {
  private entries: (LoggedRequest & { response: unknown })[] = [];

  /** All kept requests, oldest first, or those of one API. */
  of(api?: string): readonly LoggedRequest[] {
    if (api !== undefined) checkApi(api);
    return api === undefined ? [...this.entries] : this.entries.filter((entry) => entry.api === api);
  }

  /** The number of kept requests that match. */
  count(filter: RequestFilter = {}): number {
    checkNames('requests.count', filter, filterNames);
    const { api, clientId, node } = filter;
    if (api !== undefined) checkApi(api);
    return this.entries.filter(
      (entry) =>
        (api === undefined || entry.api === api) &&
        (clientId === undefined || entry.clientId === clientId) &&
        (node === undefined || entry.node === node),
    ).length;
  }

  /** Removes all of them. */
  clear(): void {
    this.entries = [];
  }

  /** One line per request: time, node, client, API, summary, and the errors of the response. */
  toString(): string {
    const startMs = this.entries[0]?.timestampMs ?? 0;
    return this.entries
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

  /** @internal Records a request; the returned function records its response. */
  note(
    node: number,
    request: ActiveRequest,
    timestampMs: number,
    nameOf: (topicId: string) => string | null,
  ): { entry: LoggedRequest; answered: (response: unknown) => void } {
    const { handler, apiVersion, clientId, correlationId, body } = request;
    const entry = {
      api: handler.name,
      version: apiVersion,
      node,
      clientId,
      correlationId,
      timestampMs,
      body,
      response: undefined as unknown,
      about: aboutOf(body, nameOf),
    };
    this.entries.push(entry);
    if (this.entries.length > requestsMax) this.entries.shift();
    return {
      entry,
      answered: (response) => {
        entry.response = response;
      },
    };
  }
}
