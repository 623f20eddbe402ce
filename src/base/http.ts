/** HTTP as a port: a node serves a few pages on a separate port, and on listeners that are configured for it. */
import type { Address, Listener } from './network.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  /** Pieces are sent one by one; the producer may yield in between. */
  readonly body: string | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface HttpPort {
  /** Serves on a separate port. Rejects when the address cannot be bound. */
  listen(address: Address, handler: HttpHandler): Promise<Listener>;
  /** Serves HTTP requests that arrive on the node's listeners with these ports, beside Kafka's protocol. */
  serveOn(ports: readonly number[], handler: HttpHandler): void;
  /** The share of the time since the last call for which the event loop was idle, from 0 to 1. */
  idleShare(): number;
  /** Metrics of the process itself (`process_*`, `nodejs_*`) in Prometheus' text format. */
  processMetrics(): Promise<string>;
}
