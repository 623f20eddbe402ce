/**
 * HTTP as a port. A node serves its metrics and health pages on a port of their own, and also on those Kafka listeners that are
 * configured for it.
 */
import type { Address, Listener } from './network.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  /** A string, or pieces that are sent one by one. A producer of pieces can let other work run between two of them. */
  readonly body: string | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface HttpPort {
  /** Serves on a separate port. Rejects when the address cannot be bound. */
  listen(address: Address, handler: HttpHandler): Promise<Listener>;
  /** Also answers HTTP requests that arrive on these ports of the node's listeners, which otherwise serve Kafka's protocol. */
  serveOn(ports: readonly number[], handler: HttpHandler): void;
  /** The share of time, from 0 to 1, in which the event loop was idle since the last call. */
  idleShare(): number;
  /** Metrics of the process itself (`process_*`, `nodejs_*`) in Prometheus' text format. */
  processMetrics(): Promise<string>;
}
