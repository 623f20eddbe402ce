/** HTTP as a port: a node serves a few pages on a port of its own, and on listeners that are configured for it. */
import type { Address, Listener } from './network.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  /** Pieces are sent one by one, each in a turn of its own when the producer yields. */
  readonly body: string | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface HttpPort {
  /** Serves on a port of its own. Rejects when the address can't be had. */
  listen(address: Address, handler: HttpHandler): Promise<Listener>;
  /** Serves HTTP that arrives on the node's listeners with these ports, beside Kafka's protocol. */
  serveOn(ports: readonly number[], handler: HttpHandler): void;
  /** The share of the time since the last call in which the event loop had nothing to do, from 0 to 1. */
  idleShare(): number;
  /** Metrics of the process itself (`process_*`, `nodejs_*`) in Prometheus' text format. */
  processMetrics(): Promise<string>;
}
