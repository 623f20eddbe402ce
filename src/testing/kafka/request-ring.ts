/**
 * The newest requests of clients, bounded in number and in bytes: bodies and responses refer to whole frames and record
 * batches.
 */

export const requestsMax = 1_000;
/**
 * Bound of the size of all requests together: the lengths of texts and byte strings, and `valueBytes` for each value. The
 * newest request is kept even if it is larger.
 */
export const requestBytesMax = 64 * 1024 * 1024;
const valueBytes = 16;

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

/** Approximate size of a decoded value in memory. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return valueBytes + value.length;
  if (value instanceof Uint8Array) return valueBytes + value.byteLength;
  if (typeof value !== 'object' || value === null) return valueBytes;
  return Object.values(value).reduce((sum: number, one) => sum + sizeOf(one), valueBytes);
}

export class RequestEntry implements LoggedRequest {
  readonly api: string;
  readonly version: number;
  readonly node: number;
  readonly clientId: string;
  readonly correlationId: number;
  readonly timestampMs: number;
  readonly body: unknown;
  response: unknown = undefined;
  readonly about: string;
  #bytes: number;

  constructor(request: Omit<LoggedRequest, 'response'>) {
    this.api = request.api;
    this.version = request.version;
    this.node = request.node;
    this.clientId = request.clientId;
    this.correlationId = request.correlationId;
    this.timestampMs = request.timestampMs;
    this.body = request.body;
    this.about = request.about;
    this.#bytes = sizeOf(request.body);
  }

  get bytes(): number {
    return this.#bytes;
  }

  answered(response: unknown): void {
    this.response = response;
    this.#bytes += sizeOf(response);
  }
}

export class RequestRing {
  private entries: RequestEntry[] = [];

  /** Oldest first. */
  get list(): readonly RequestEntry[] {
    return this.entries;
  }

  push(entry: RequestEntry): void {
    this.entries.push(entry);
    this.trim();
  }

  clear(): void {
    this.entries = [];
  }

  /** Removes the oldest requests beyond the bounds. Called when a request has been added, or got its response. */
  trim(): void {
    let bytes = 0;
    for (let at = this.entries.length - 1; at >= 0; at--) {
      bytes += (this.entries[at] as RequestEntry).bytes;
      const count = this.entries.length - at;
      if (count === 1 || (count <= requestsMax && bytes <= requestBytesMax)) continue;
      this.entries = this.entries.slice(at + 1);
      return;
    }
  }
}
